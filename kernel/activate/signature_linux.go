package activate

import "syscall"

// signatureErrno is what the kernel means when it loads a table with a signature.
func signatureErrno(errno syscall.Errno) string {
	switch errno {
	case syscall.ENOKEY:
		return "the kernel trusts no key that made it: the certificate must be in one of its trusted keyrings, see /proc/keys"
	case syscall.EBADMSG:
		return "it is not PKCS#7 in DER"
	case syscall.EKEYREJECTED:
		return "it is of another root hash, or its certificate is refused"
	case syscall.ENOPKG:
		return "it uses an algorithm that the kernel does not have"
	case syscall.EKEYEXPIRED, syscall.EKEYREVOKED:
		return "its key is not valid any more"
	}
	return ""
}
