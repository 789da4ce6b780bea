package cryptsetup

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// keyringToken is the type of token that names a key in the kernel's keyring.
const keyringToken = "luks2-keyring"

// token manages tokens. The device is the second word.
func (r *run) token() error {
	what := r.word(0)
	r.Words = r.Words[1:]
	if what == "export" {
		return r.exportToken()
	}
	return r.edit2(func(d *device, e *luks.Editor) error {
		if r.Has("key-slot") {
			if id := r.Int("key-slot", 0); !isSlot(d.header, id) {
				return exit.Failf("Keyslot %d is not active.", id)
			}
		}
		switch what {
		case "add":
			return r.addToken(e)
		case "import":
			return r.importToken(e)
		case "remove":
			return r.removeToken(e)
		}
		return r.unassignToken(e)
	})
}

// addToken makes one that names a key in the kernel's keyring.
func (r *run) addToken(e *luks.Editor) error {
	description, err := json.Marshal(r.Values["key-description"])
	if err != nil {
		return err
	}
	t := &luks.Token{Type: keyringToken, Keyslots: luks.IDs{}, Extra: luks.Members{"key_description": description}}
	switch {
	case r.Has("key-slot"):
		t.Keyslots = luks.IDs{r.Int("key-slot", 0)}
	case !r.Has("unbound"):
		t.Keyslots = slotIDs(e.Header())
	}
	return r.setToken(e, t)
}

// setToken puts a token where the options say.
func (r *run) setToken(e *luks.Editor, t *luks.Token) error {
	id := r.Int("token-id", luks.AnyToken)
	switch {
	case r.Has("token-id") && (id < luks.AnyToken || id >= slots2):
		return exit.Failf("Token %d is invalid.", id)
	case e.Header().V2.Metadata.Tokens[id] != nil && !r.Has("token-replace"):
		return exit.Failf("Token %d in use.", id)
	}
	id, err := e.SetToken(id, t)
	if err != nil {
		return exit.New(exit.Failed, ui.ExitCode(err), sentence(err))
	}
	r.sayf("Token %d created.", id)
	return nil
}

// maxToken is more than the metadata has room for, in bytes.
const maxToken = 4 << 20

// importToken reads one as JSON.
func (r *run) importToken(e *luks.Editor) error {
	text, err := r.tokenText()
	if err != nil {
		return err
	}
	t := new(luks.Token)
	if err := json.Unmarshal(text, t); err != nil {
		return exit.Failf("Failed to import token from file.")
	}
	for _, id := range t.Keyslots {
		if !isSlot(e.Header(), id) {
			return exit.Failf("Failed to import token from file.")
		}
	}
	if id := r.Int("key-slot", 0); r.Has("key-slot") && !slices.Contains(t.Keyslots, id) {
		t.Keyslots = append(t.Keyslots, id)
	}
	return r.setToken(e, t)
}

// tokenText reads the file of --json-file, or stdin.
func (r *run) tokenText() ([]byte, error) {
	in, path := r.In, r.Values["json-file"]
	if path != "" && path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, exit.Failf("Failed to open file %s in read-only mode.", path)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxToken))
	if err != nil {
		return nil, exit.Failf("Failed to read token from file: %v.", err)
	}
	return text, nil
}

func (r *run) removeToken(e *luks.Editor) error {
	id := r.Int("token-id", 0)
	if e.Header().V2.Metadata.Tokens[id] == nil {
		return exit.Failf("Token %d is not in use.", id)
	}
	if _, err := e.SetToken(id, nil); err != nil {
		return exit.New(exit.Failed, ui.ExitCode(err), sentence(err))
	}
	r.sayf("Token %d removed.", id)
	return nil
}

// unassignToken makes a token one that is not for a key slot any more.
func (r *run) unassignToken(e *luks.Editor) error {
	id, slot, at := r.Int("token-id", 0), r.Int("key-slot", 0), -1
	t := e.Header().V2.Metadata.Tokens[id]
	if t != nil {
		at = slices.Index(t.Keyslots, slot)
	}
	if at < 0 {
		return exit.Failf("Token %d is not assigned to keyslot %d.", id, slot)
	}
	less := *t
	less.Keyslots = slices.Delete(slices.Clone(t.Keyslots), at, at+1)
	if _, err := e.SetToken(id, &less); err != nil {
		return exit.New(exit.Failed, ui.ExitCode(err), sentence(err))
	}
	return nil
}

// exportToken writes one as JSON.
func (r *run) exportToken() (err error) {
	d, err := r.openHeader(false)
	if errors.Is(err, errNotLUKS) || err == nil && d.header.Version != 2 {
		if err == nil {
			err = d.Close()
		}
		return errors.Join(exit.Failf("Device %s is not a valid LUKS2 device.", r.headerPath()), err)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	id := r.Int("token-id", 0)
	t := d.header.V2.Metadata.Tokens[id]
	if t == nil {
		return exit.Failf("Failed to get token %d for export.", id)
	}
	text, err := t.MarshalJSON()
	if err != nil {
		return err
	}
	path := r.Values["json-file"]
	if path == "" || path == "-" {
		_, err = r.Out.Write(text)
		return err
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return exit.Failf("Failed to open file %s in write mode.", path)
	}
	return nil
}
