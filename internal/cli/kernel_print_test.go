package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// maskedKey is what is shown of secretKey.
var maskedKey = strings.Repeat("0", len(secretKey))

// twoDevices begins most tests: one device of two tables, one without a table.
var twoDevices = []kernelStep{
	{args: "create-and-load data --uuid UUID-1 --table -", stdin: "0 8 linear /dev/sda 16\n8 8 linear /dev/sdb 0\n"},
	{args: "create bare"},
}

// TestKernelPrint shows what the verbs that ask print.
func TestKernelPrint(t *testing.T) {
	t.Parallel()
	for name, steps := range map[string][]kernelStep{
		"ls": {
			{args: "ls", stdout: "NAME  DEVICE  OPEN  UUID\nbare  253:1   0     -\ndata  253:0   0     UUID-1\n"},
			{args: "ls --json", has: []string{`"name": "bare"`, `"open_count": 0`, `"uuid": "UUID-1"`, `"path": "/dev/mapper/data"`}},
			{args: "ls data", code: 2, stderr: []string{"takes no arguments"}},
		},
		"info": {
			{args: "info data", stdout: `name:                     data
uuid:                     UUID-1
device:                   253:0
path:                     /dev/mapper/data
state:                    running
read-only:                no
live table:               yes
inactive table:           no
targets:                  2
open count:               0
event number:             0
deferred remove:          no
suspended by the kernel:  no
`},
			{args: "info", has: []string{"name:                     bare\n", "state:                    no table\n", "no\n\nname:                     data\n"}},
			{args: "info bare data --json", has: []string{`"state": "no_table"`, `"state": "running"`, `"flags": `}},
			{args: "load bare --table DIR/linear --readonly"},
			{args: "info --inactive bare", has: []string{"inactive table:           yes", "targets:                  1", "read-only:                yes"}},
			{args: "info nothing", code: 1, stderr: []string{"kernel: info nothing: not found", "hint: dmimg kernel ls lists the devices"}},
			{args: "info --uuid NONE", code: 1, stderr: []string{"kernel: info uuid NONE: not found"}},
		},
		"table": {
			{args: "table data", stdout: "0 8 linear 7:0 16\n8 8 linear 7:1 0\n"},
			{args: "table", stdout: "bare:\ndata: 0 8 linear 7:0 16\ndata: 8 8 linear 7:1 0\n"},
			{args: "table bare"},
			{args: "table data --json", has: []string{`"uuid": "UUID-1"`, `"backend_offset_bytes": 8192`}},
			{args: "load data --table DIR/crypt"},
			{args: "table --inactive data", stdout: "0 8 crypt aes-xts-plain64 " + maskedKey + " 0 7:0 0\n"},
			{args: "table --inactive data --json", has: []string{`"key_masked": true`, maskedKey}},
			{args: "table --inactive data --show-keys", stdout: "0 8 crypt aes-xts-plain64 " + secretKey + " 0 7:0 0\n"},
			{args: "table --inactive data --show-keys --json --noflush", has: []string{secretKey}},
		},
		"status": {
			{args: "status data", stdout: "0 8 linear\n8 8 linear\n"},
			{args: "status", stdout: "bare:\ndata: 0 8 linear\ndata: 8 8 linear\n"},
			{args: "status --json bare", has: []string{`"state": "no_table"`, `"targets": []`}},
			{args: "status --inactive data"},
		},
		"deps": {
			{args: "deps data", stdout: "7:0\n7:1\n"},
			{args: "create-and-load top --table -", stdin: "0 8 linear /dev/mapper/data 0\n"},
			{args: "deps top", stdout: "253:0 data\n"},
			{args: "deps", stdout: "bare:\ndata: 7:0\ndata: 7:1\ntop: 253:0 data\n"},
			{args: "deps top --json", has: []string{`"major": 253`, `"name": "data"`}},
			{args: "deps bare --json", has: []string{`"uses": []`}},
		},
		"versions": {
			{args: "version", stdout: "4.48.0\n"},
			{args: "version --json", stdout: "{\n  \"version\": \"4.48.0\",\n  \"major\": 4,\n  \"minor\": 48,\n  \"patch\": 0\n}\n"},
			{args: "targets", has: []string{"linear ", "1.4.0\n", "thin-pool "}},
			{args: "targets --json", has: []string{`"name": "linear"`, `"version": "1.4.0"`}},
			{args: "target-version verity", stdout: "1.10.0\n"},
			{args: "target-version verity --json", has: []string{`"name": "verity"`, `"minor": 10`}},
			{args: "target-version nothing", code: 1, stderr: []string{"not found", "hint: the kernel has no module for it"}},
			{args: "target-version longer-than-a-name", code: 2, stderr: []string{"1 to 15 bytes"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runSteps(t, kerneltest.Options{}, append(twoDevices, steps...))
		})
	}
}

// TestKernelOddNames shows that what is printed stands on one line and can be given back.
func TestKernelOddNames(t *testing.T) {
	t.Parallel()
	runSteps(t, kerneltest.Options{}, []kernelStep{
		{args: "create a\\x20b\\x0a"},
		{args: "ls", stdout: "NAME        DEVICE  OPEN  UUID\na\\x20b\\x0a  253:0   0     -\n"},
		{args: "ls --json", has: []string{`"name": "a b\n"`}},
		{args: "table", stdout: "a\\x20b\\x0a:\n"},
		{args: "info a\\x20b\\x0a", has: []string{"a\\x20b\\x0a\n"}},
		{args: "remove a\\x20b\\x0a"},
	})
}

// TestKernelStatusJSON shows that statuses are typed, and that text which cannot be read is shown all the same.
func TestKernelStatusJSON(t *testing.T) {
	t.Parallel()
	k, ctx, dir := newFakeKernel(t, kerneltest.Options{})
	kernelStep{args: "create-and-load v --readonly --table DIR/verity"}.run(t, ctx, dir)
	kernelStep{args: "status v --json", has: []string{`"target": "verity"`}}.run(t, ctx, dir)
	for _, c := range []struct {
		text string
		has  []string
	}{
		{"V -", []string{`"text": "V -"`, `"corrupted": false`, `"fec_corrected_blocks": null`, `"length_bytes": 4096`}},
		{"C 17", []string{`"corrupted": true`, `"fec_corrected_blocks": 17`}},
		{"what else", []string{`"text": "what else"`, `"status": null`, `"problem": "tables: verity`}},
	} {
		k.SetStatus("v", c.text)
		kernelStep{args: "status v --json", has: c.has}.run(t, ctx, dir)
		kernelStep{args: "status v", stdout: "0 8 verity " + c.text + "\n"}.run(t, ctx, dir)
	}
}

// TestKernelTableRoundTrip loads what `kernel table` printed.
func TestKernelTableRoundTrip(t *testing.T) {
	t.Parallel()
	runSteps(t, kerneltest.Options{}, []kernelStep{
		{args: "create-and-load a --table DIR/crypt"},
		{args: "create-and-load b --table -", stdin: "0 8 crypt aes-xts-plain64 " + secretKey + " 0 7:0 0\n"},
		{args: "table a --show-keys", stdout: "0 8 crypt aes-xts-plain64 " + secretKey + " 0 7:0 0\n"},
		{args: "table b --show-keys", stdout: "0 8 crypt aes-xts-plain64 " + secretKey + " 0 7:0 0\n"},
		{args: "table", stdout: "a: 0 8 crypt aes-xts-plain64 " + maskedKey + " 0 7:0 0\nb: 0 8 crypt aes-xts-plain64 " + maskedKey + " 0 7:0 0\n"},
	})
}

// TestKernelMessage sends messages, and shows their answers.
func TestKernelMessage(t *testing.T) {
	t.Parallel()
	var got []string
	listen := func(k *kerneltest.Kernel) {
		k.OnMessage("linear", func(words []string) (string, bool, error) {
			got = append(got, strings.Join(words, "|"))
			return "answer " + words[0], words[0] == "ask", nil
		})
	}
	runSteps(t, kerneltest.Options{}, []kernelStep{
		{args: "create-and-load a --table DIR/linear"},
		{args: "message a 0 tell it", code: 1, stderr: []string{"kernel: message a: invalid", "hint: the message goes to the target at SECTOR"}},
		{do: listen, args: "message a 0 tell it"},
		{args: "message a 8 ask", stdout: "answer ask\n"},
		{args: "message a 0 ask --json", stdout: "{\n  \"answer\": \"answer ask\"\n}\n"},
		{args: "message --devno 253:0 --json 0 tell", stdout: "{\n  \"answer\": null\n}\n"},
		{args: "message a 0 -", stdin: "key set " + secretKey + "\n"},
		{args: "message a 0 -", stdin: "\n", code: 2, stderr: []string{"empty"}},
		{args: "message a 8S ask", code: 2, stderr: []string{`sector "8S"`}},
		{args: "message a 0", code: 2, stderr: []string{"at least 3 arguments", "hint: usage: dmimg kernel message"}},
		{args: "message --uuid NONE 0 ask", code: 1, stderr: []string{"not found"}},
	})
	if want := "tell|it ask ask tell key|set|" + secretKey; strings.Join(got, " ") != want {
		t.Errorf("messages %d of them, not the five that were sent", len(got))
	}
}

// TestKernelTableJSON reads the JSON back.
func TestKernelTableJSON(t *testing.T) {
	t.Parallel()
	_, ctx, dir := newFakeKernel(t, kerneltest.Options{})
	kernelStep{args: "create-and-load --table DIR/boot"}.run(t, ctx, dir)
	out := kernelOutput(t, ctx, "table", "--json")
	devices, err := tables.DecodeJSON(strings.NewReader(out))
	if err != nil || len(devices) != 2 || devices[0].Name != "a" || tables.TargetType(devices[1].Tables[0]) != "zero" {
		t.Errorf("%v, %+v", err, devices)
	}
	var plain struct{ Devices []map[string]any }
	if err := json.Unmarshal([]byte(kernelOutput(t, ctx, "info", "--json")), &plain); err != nil || len(plain.Devices) != 2 {
		t.Errorf("%v, %v", err, plain)
	}
}
