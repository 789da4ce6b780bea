package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// verityGenerator is where systemd keeps what reads veritytab and the kernel command
// line.
const verityGenerator = "/usr/lib/systemd/system-generators/systemd-veritysetup-generator"

// attachWords are the words that the unit of a generator hands to systemd-veritysetup.
var attachWords = regexp.MustCompile(`(?m)^ExecStart=\S+ attach '(.*)' '(.*)' '(.*)' '(.*)' '(.*)'$`)

// TestEmitIsReadBySystemd lets systemd's generator read what --emit prints, and looks
// at what it would do: with which names, devices, root hash and options. The rows write
// one file after the other.
func TestEmitIsReadBySystemd(t *testing.T) {
	t.Parallel()
	generator := need(t, verityGenerator)
	dir := t.TempDir()
	data := writeFile(t, filepath.Join(dir, "os.img"), make([]byte, 40960))
	hash := filepath.Join(dir, "os.verity")
	const (
		dataUUID = "/dev/disk/by-partuuid/DATAUUID"
		hashUUID = "/dev/disk/by-partuuid/HASHUUID"
	)
	for _, c := range []struct {
		name, form string
		args       []string
		want       []string // volume, data, hash, options
	}{
		{"line", "veritytab", nil, []string{"os", data, hash, ""}},
		{
			"line with options", "veritytab",
			[]string{"--no-superblock", "--salt=aa", "--hash=ripemd160", "--fec-device=FEC", "--emit-fec=/dev/x"},
			[]string{"os", data, hash, "superblock=no,format=1,data-block-size=4096,hash-block-size=4096,data-blocks=10,salt=aa,hash=rmd160,fec-device=/dev/x,fec-offset=0,fec-roots=2"},
		},
		{"line for partitions", "veritytab", []string{"--partition-type=usr"}, []string{"usr", dataUUID, hashUUID, ""}},
		{"command line", "cmdline", nil, []string{"root", data, hash, ""}},
		{"command line for partitions", "cmdline", []string{"--partition-type=root-x86-64"}, []string{"root", dataUUID, hashUUID, ""}},
		{"command line for usr", "cmdline", []string{"--partition-type=usr", "--hash-offset=4096"}, []string{"usr", dataUUID, hashUUID, "hash-offset=4096"}},
		{"command line, 512 bits", "cmdline", []string{"--partition-type=root", "--hash=sha512"}, []string{"root", dataUUID, hashUUID, ""}},
		{"command line, 160 bits", "cmdline", []string{"--partition-type=root", "--hash=sha1"}, []string{"root", dataUUID, hashUUID, ""}},
		{"command line, words with blanks", "cmdline", []string{"--emit-data=/dev/a b"}, []string{"root", "/dev/a b", hash, ""}},
		{"command line, tags", "cmdline", []string{"--emit-data=LABEL=x", "--emit-hash=LABEL=y"}, []string{"root", "/dev/disk/by-label/x", "/dev/disk/by-label/y", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fec := filepath.Join(t.TempDir(), "FEC")
			args := []string{"verity", "format", data, hash, "--seed=x", "--force", "--emit=" + c.form, "--json"}
			for _, arg := range c.args {
				args = append(args, strings.ReplaceAll(arg, "FEC", fec))
			}
			var made struct {
				RootHash          string            `json:"root_hash"`
				DataPartitionUUID string            `json:"data_partition_uuid"`
				HashPartitionUUID string            `json:"hash_partition_uuid"`
				Emit              map[string]string `json:"emit"`
			}
			if err := json.Unmarshal([]byte(mustRun(t, args...)), &made); err != nil {
				t.Fatal(err)
			}
			got := runGenerator(t, generator, c.form, made.Emit[c.form])
			names := strings.NewReplacer("DATAUUID", made.DataPartitionUUID, "HASHUUID", made.HashPartitionUUID)
			want := []string{c.want[0], names.Replace(c.want[1]), names.Replace(c.want[2]), made.RootHash, c.want[3]}
			if strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%s %q: systemd understands\n%q, want\n%q", c.form, made.Emit[c.form], got, want)
			}
		})
	}
}

// runGenerator returns the words for systemd-veritysetup attach.
func runGenerator(t *testing.T, generator, form, text string) []string {
	t.Helper()
	dir := t.TempDir()
	out := []string{filepath.Join(dir, "normal"), filepath.Join(dir, "early"), filepath.Join(dir, "late")}
	for _, d := range out {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	table, kernel := filepath.Join(dir, "veritytab"), text
	if form == "veritytab" {
		kernel = ""
		writeFile(t, table, []byte(text+"\n"))
	} else {
		writeFile(t, table, nil)
	}
	cmd := exec.Command(generator, out...)
	cmd.Env = append(os.Environ(), "SYSTEMD_VERITYTAB="+table, "SYSTEMD_PROC_CMDLINE="+kernel, "SYSTEMD_IN_INITRD=1", "SYSTEMD_LOG_TARGET=console")
	if words, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("systemd-veritysetup-generator with %s %q: %v\n%s", form, text, err, words)
	}
	units, err := filepath.Glob(filepath.Join(dir, "*", "systemd-veritysetup@*.service"))
	if err != nil || len(units) != 1 {
		t.Fatalf("systemd-veritysetup-generator with %s %q made the units %q, %v, want one", form, text, units, err)
	}
	unit := string(readFile(t, units[0]))
	words := attachWords.FindStringSubmatch(unit)
	if words == nil {
		t.Fatalf("no words for systemd-veritysetup in\n%s", unit)
	}
	return words[1:]
}
