#!/bin/sh
# Makes the vectors of this folder anew: sh regenerate.sh. The keys are for tests only.
# partition.json needs systemd-repart, root and loop devices; without, it is kept.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cert() { # name, subject, key options of openssl req
	name=$1 subject=$2
	shift 2
	openssl req -x509 -newkey "$@" -nodes -keyout "$name.key" -out "$name.crt" -subj "$subject" -days 36500 2>/dev/null
}
cert rsa2048 "/O=dmimg tests/CN=rsa2048" rsa:2048
cert rsa3072 "/O=dmimg tests/CN=rsa3072" rsa:3072
cert p256 "/O=dmimg tests/CN=p256" ec -pkeyopt ec_paramgen_curve:P-256
cert p384 "/O=dmimg tests/CN=p384" ec -pkeyopt ec_paramgen_curve:P-384
cert ca "/O=dmimg tests/CN=ca" ec -pkeyopt ec_paramgen_curve:P-256
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out "$tmp/leaf.csr" -subj "/CN=leaf" 2>/dev/null
printf 'keyUsage=digitalSignature\nsubjectKeyIdentifier=hash\n' >"$tmp/leaf.ext"
openssl x509 -req -in "$tmp/leaf.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -CAserial "$tmp/serial" \
	-extfile "$tmp/leaf.ext" -days 36500 -out leaf.crt 2>/dev/null

# The same key in its other wrappings.
openssl pkey -in rsa2048.key -traditional -out rsa2048.pkcs1.key
openssl pkey -in p256.key -traditional -out p256.sec1.key
openssl pkey -in p256.key -aes256 -passout pass:test -out p256.encrypted.key
openssl ec -in p256.key -aes256 -passout pass:test -out p256.legacy.key 2>/dev/null

printf %s 9515863229bb3e3ae50284c92c2c37a69e1425b12ab02d2f37c02af528b813a6 >root
sign() { # name, tool, key, options
	name=$1 tool=$2 key=$3
	shift 3
	openssl "$tool" -sign -binary -in root -inkey "$key.key" -signer "$key.crt" -outform der -out "$name.p7s" "$@"
}
for key in rsa2048 rsa3072 p256 p384 leaf; do
	sign "$key" smime "$key" -nocerts -noattr
done
sign sha384 smime rsa2048 -nocerts -noattr -md sha384
sign sha512 smime rsa2048 -nocerts -noattr -md sha512
sign sha1 smime rsa2048 -nocerts -noattr -md sha1
sign certs smime rsa2048 -noattr
sign cms cms rsa2048 -nocerts -noattr
sign keyid cms rsa2048 -nocerts -noattr -keyid
sign attributes cms p256 -nocerts
sign attributes-keyid cms p384 -keyid
sign stream cms p256 -noattr -stream # BER, with content
sign chain cms leaf -noattr
sign two cms rsa2048 -nocerts -noattr -signer p256.crt -inkey p256.key
sign content cms rsa2048 -nocerts -noattr -nodetach
openssl crl2pkcs7 -nocrl -certfile rsa2048.crt -outform der -out degenerate.p7s

wrong() { # name, what is signed on stdin
	openssl smime -sign -binary -nocerts -noattr -inkey p256.key -signer p256.crt -outform der -out "$1.p7s"
}
{ cat root && echo; } | wrong newline
{ cat root && printf '\r\n'; } | wrong crlf
tr a-f A-F <root | wrong upper
xxd -r -p root | wrong raw
printf %s 0000000000000000000000000000000000000000000000000000000000000000 | wrong other

# Values signed as key stores do.
openssl dgst -sha256 -sign rsa2048.key -out rsa2048.value root
openssl dgst -sha256 -sign p256.key -out p256.value root

if command -v systemd-repart >/dev/null && [ "$(id -u)" = 0 ]; then
	mkdir "$tmp/defs"
	head -c 1048576 /dev/zero >"$tmp/data"
	printf '[Partition]\nType=root\nCopyBlocks=%s\nVerity=data\nVerityMatchKey=root\n' "$tmp/data" >"$tmp/defs/1.conf"
	printf '[Partition]\nType=root-verity\nVerity=hash\nVerityMatchKey=root\n' >"$tmp/defs/2.conf"
	printf '[Partition]\nType=root-verity-sig\nVerity=signature\nVerityMatchKey=root\n' >"$tmp/defs/3.conf"
	if systemd-repart --definitions="$tmp/defs" --empty=create --size=auto --dry-run=no --json=short \
		--private-key=rsa2048.key --certificate=rsa2048.crt "$tmp/image" >"$tmp/report" 2>/dev/null; then
		offset=$(sed 's/.*"offset" *: *\([0-9]*\).*/\1/' "$tmp/report")
		tail -c +"$((offset + 1))" "$tmp/image" | head -c 16384 | tr -d '\0' >partition.json
	fi
fi
