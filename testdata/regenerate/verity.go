package main

import (
	"crypto/sha3"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// verityCase is one recorded run of "veritysetup format".
type verityCase struct {
	ID            string   `json:"id"`
	DataBlockSize int      `json:"data_block_size"`
	HashOffset    int      `json:"hash_offset"`
	Command       []string `json:"command"`
	Data          struct {
		Kind   string `json:"kind"`
		Seed   string `json:"seed"`
		Size   int    `json:"size"`
		SHA256 string `json:"sha256"`
	} `json:"data"`
	Expected struct {
		RootHash   string `json:"root_hash"`
		HashSHA256 string `json:"hash_sha256"`
		FileSHA256 string `json:"file_sha256"` // DATA and HASH are one file
		FECSHA256  string `json:"fec_sha256"`
		Superblock string `json:"superblock_hex"`
	} `json:"expected"`
}

// remakeVerity runs every command of verity_cases.json with the installed
// veritysetup and compares what it makes with what is recorded.
func remakeVerity() error {
	tool, err := exec.LookPath("veritysetup")
	if err != nil {
		return fmt.Errorf("%w (package cryptsetup-bin)", err)
	}
	raw, err := os.ReadFile(filepath.Join(corpus, "verity_cases.json"))
	if err != nil {
		return err
	}
	var file struct {
		Cases []verityCase `json:"cases"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return err
	}
	for _, c := range file.Cases {
		if err := c.remake(tool); err != nil {
			return fmt.Errorf("verity_cases.json: case %s: %w", c.ID, err)
		}
	}
	fmt.Printf("testdata: %d veritysetup runs give what is recorded\n", len(file.Cases))
	return nil
}

var rootHash = regexp.MustCompile(`(?m)^Root hash:\s+([0-9a-f]+)$`)

func (c verityCase) remake(tool string) (err error) {
	dir, err := os.MkdirTemp("", "regenerate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	data, err := detData(c.Data.Kind, c.Data.Seed, c.Data.Size, c.DataBlockSize)
	if err != nil {
		return err
	}
	if got := digest(data); got != c.Data.SHA256 {
		return fmt.Errorf("data: SHA-256 %s, recorded %s", got, c.Data.SHA256)
	}
	paths, err := c.files(dir, data)
	if err != nil {
		return err
	}
	out, err := exec.Command(tool, c.arguments(paths)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	root := rootHash.FindSubmatch(out)
	if root == nil || string(root[1]) != c.Expected.RootHash {
		return fmt.Errorf("root hash: recorded %s, the tool prints %s", c.Expected.RootHash, out)
	}
	return c.compare(paths)
}

// files makes DATA and, as the tool wants them to exist, HASH and FEC.
func (c verityCase) files(dir string, data []byte) (map[string]string, error) {
	paths := map[string]string{"DATA": filepath.Join(dir, "data"), "HASH": filepath.Join(dir, "hash")}
	if c.Expected.FECSHA256 != "" {
		paths["FEC"] = filepath.Join(dir, "fec")
	}
	if c.Expected.FileSHA256 != "" {
		paths["HASH"] = paths["DATA"]
	}
	for _, path := range paths {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return nil, err
		}
	}
	return paths, os.WriteFile(paths["DATA"], data, 0o600)
}

func (c verityCase) arguments(paths map[string]string) []string {
	var args []string
	for _, word := range c.Command[1:] {
		switch word {
		case "DATA", "HASH":
			word = paths[word]
		case "--fec-device=FEC":
			word = "--fec-device=" + paths["FEC"]
		}
		args = append(args, word)
	}
	return args
}

func (c verityCase) compare(paths map[string]string) error {
	want := map[string]string{"HASH": c.Expected.HashSHA256, "FEC": c.Expected.FECSHA256}
	if c.Expected.FileSHA256 != "" {
		want["HASH"] = c.Expected.FileSHA256
	}
	for name, sum := range want {
		if sum == "" {
			continue
		}
		raw, err := os.ReadFile(paths[name])
		if err != nil {
			return err
		}
		if got := digest(raw); got != sum {
			return fmt.Errorf("%s: SHA-256 %s, recorded %s", name, got, sum)
		}
		n := len(c.Expected.Superblock) / 2
		if name == "HASH" && n > 0 && hex.EncodeToString(raw[c.HashOffset:c.HashOffset+n]) != c.Expected.Superblock {
			return errors.New("superblock differs from the recorded one")
		}
	}
	return nil
}

// detData is detdata.py in Go: the same bytes from the same four values.
func detData(kind, seed string, size, block int) ([]byte, error) {
	data := make([]byte, size)
	squeeze := func(p []byte) {
		shake := sha3.NewSHAKE128()
		shake.Write([]byte(seed))
		shake.Read(p)
	}
	switch kind {
	case "zero":
	case "shake":
		squeeze(data)
	case "holes":
		squeeze(data)
		for i := 0; i*block < size; i++ {
			if (i*7+3)%5 == 0 {
				clear(data[i*block : min(size, (i+1)*block)])
			}
		}
	case "same":
		one := make([]byte, block)
		squeeze(one)
		for at := 0; at < size; at += block {
			copy(data[at:], one)
		}
	default:
		return nil, fmt.Errorf("data kind %q is unknown", kind)
	}
	return data, nil
}
