package luks

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool finds a real tool to compare with.
func tool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatalf("%s is required: %v", name, err)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// changes are what is done to the JSON of a good header: "path=value", where the value is
// JSON or, if empty, nothing. stricter marks what we refuse and cryptsetup takes.
var changes = []struct {
	change   string
	stricter bool
}{
	{"keyslots.0.type=7", false},
	{"keyslots.0.type=", false},
	{"keyslots.0.type=\"unknown\"", false},
	{"keyslots.0.key_size=0", false},
	{"keyslots.0.key_size=-1", false},
	{"keyslots.0.key_size=\"64\"", false},
	{"keyslots.0.key_size=", false},
	{"keyslots.0.key_size=65", false},
	{"keyslots.0.key_size=9999999999", false},
	{"keyslots.0.priority=3", false},
	{"keyslots.0.priority=-1", false},
	{"keyslots.0.priority=\"1\"", true},
	{"keyslots.0.priority=2", false},
	{"keyslots.0.af=", false},
	{"keyslots.0.af.stripes=4001", false},
	{"keyslots.0.af.stripes=3999", false},
	{"keyslots.0.af.stripes=0", false},
	{"keyslots.0.af.type=\"other\"", false},
	{"keyslots.0.af.hash=", false},
	{"keyslots.0.af.hash=\"\"", false},
	{"keyslots.0.area=", false},
	{"keyslots.0.area.type=\"other\"", false},
	{"keyslots.0.area.offset=32768", false},
	{"keyslots.0.area.offset=\"0\"", false},
	{"keyslots.0.area.offset=\"32767\"", false},
	{"keyslots.0.area.offset=\"-32768\"", false},
	{"keyslots.0.area.offset=\" 32768\"", false},
	{"keyslots.0.area.offset=\"+32768\"", false},
	{"keyslots.0.area.offset=\"0x8000\"", false},
	{"keyslots.0.area.offset=\"18446744073709551615\"", false},
	{"keyslots.0.area.offset=\"18446744073709551616\"", false},
	{"keyslots.0.area.size=\"4161536\"", false},
	{"keyslots.0.area.size=\"258560\"", false},
	{"keyslots.0.area.size=\"0\"", false},
	{"keyslots.0.area.size=\"255488\"", false},
	{"keyslots.0.area.size=\"256000\"", false},
	{"keyslots.0.area.encryption=", false},
	{"keyslots.0.area.encryption=\"\"", false},
	{"keyslots.0.area.key_size=0", false},
	{"keyslots.0.area.key_size=", false},
	{"keyslots.0.kdf=", false},
	{"keyslots.0.kdf.type=\"other\"", false},
	{"keyslots.0.kdf.salt=", false},
	{"keyslots.0.kdf.salt=\"\"", false},
	{"keyslots.0.kdf.salt=\"!!\"", true},
	{"keyslots.0.kdf.hash=", false},
	{"keyslots.0.kdf.hash=\"nothing\"", false},
	{"keyslots.0.kdf.iterations=0", true},
	{"keyslots.0.kdf.iterations=-5", true},
	{"keyslots.0.kdf.iterations=4294967296", true},
	{"keyslots.0.kdf.iterations=1.5", false},
	{"keyslots.0.kdf.iterations=", false},
	{"keyslots.3.kdf.time=0", true},
	{"keyslots.3.kdf.memory=0", true},
	{"keyslots.3.kdf.cpus=0", true},
	{"keyslots.3.kdf.cpus=", false},
	{"keyslots.3.kdf.cpus=\"1\"", false},
	{"keyslots.0.surprise={\"a\":[1]}", false},
	{"keyslots.032=", false},
	{"keyslots.a={}", false},
	{"keyslots.32={}", false},
	{"tokens.0={\"type\":\"t\",\"keyslots\":[]}", false},
	{"tokens.0={\"type\":\"t\",\"keyslots\":[\"0\"],\"x\":1}", false},
	{"tokens.0={\"type\":\"t\",\"keyslots\":[\"1\"]}", false},
	{"tokens.0={\"type\":\"t\",\"keyslots\":[0]}", false},
	{"tokens.0={\"type\":\"t\"}", false},
	{"tokens.0={\"keyslots\":[]}", false},
	{"tokens.32={\"type\":\"t\",\"keyslots\":[]}", false},
	{"tokens.x={\"type\":\"t\",\"keyslots\":[]}", false},
	{"tokens=[]", false},
	{"tokens=", false},
	{"segments={}", false},
	{"segments.1={\"type\":\"linear\",\"offset\":\"5242880\",\"size\":\"dynamic\"}", false},
	{"segments.2={\"type\":\"linear\",\"offset\":\"5242880\",\"size\":\"dynamic\"}", false},
	{"segments.1={\"type\":\"linear\",\"offset\":\"5242880\",\"size\":\"dynamic\",\"flags\":[\"backup-final\"]}", false},
	{"segments.0.flags=[\"backup-final\"]", false},
	{"segments.0={\"type\":\"linear\",\"offset\":\"4194304\",\"size\":\"dynamic\"}", false},
	{"segments.0={\"type\":\"what\",\"offset\":\"4194304\",\"size\":\"dynamic\",\"iv_tweak\":0}", false},
	{"segments.0={\"type\":\"linear\",\"offset\":\"4190208\",\"size\":\"dynamic\"}", false},
	{"segments.0={\"type\":\"linear\",\"offset\":\"4194304\",\"size\":\"512\"}", false},
	{"segments.0.flags=\"x\"", false},
	{"segments.0.flags=[1]", false},
	{"segments.0.offset=\"4194305\"", false},
	{"segments.0.offset=\"0\"", false},
	{"segments.0.offset=4194304", false},
	{"segments.0.size=\"0\"", false},
	{"segments.0.size=\"513\"", false},
	{"segments.0.size=\"512\"", false},
	{"segments.0.size=\"Dynamic\"", false},
	{"segments.0.size=\"18446744073709551104\"", false},
	{"segments.0.iv_tweak=0", false},
	{"segments.0.iv_tweak=\"-1\"", false},
	{"segments.0.iv_tweak=\"1\"", false},
	{"segments.0.sector_size=\"512\"", false},
	{"segments.0.sector_size=1024", false},
	{"segments.0.sector_size=8192", false},
	{"segments.0.sector_size=513", false},
	{"segments.0.integrity={}", false},
	{"segments.0.integrity={\"type\":\"aead\",\"journal_encryption\":\"none\",\"journal_integrity\":\"none\"}", false},
	{"segments.0.integrity={\"type\":\"aead\"}", false},
	{"digests.0.type=\"other\"", false},
	{"digests.0.hash=", false},
	{"digests.0.salt=", false},
	{"digests.0.digest=", false},
	{"digests.0.iterations=0", false},
	{"digests.0.segments=[]", false},
	{"digests.0.segments=", false},
	{"digests.0.segments=[\"1\"]", false},
	{"digests.0.keyslots=[]", false},
	{"digests.1={\"type\":\"unknown\",\"keyslots\":[],\"segments\":[]}", false},
	{"digests={}", false},
	{"config.json_size=12288", false},
	{"config.json_size=\"12289\"", false},
	{"config.keyslots_size=\"4161535\"", false},
	{"config.keyslots_size=\"4165632\"", false},
	{"config.keyslots_size=\"134217728\"", false},
	{"config.keyslots_size=\"134221824\"", false},
	{"config.keyslots_size=\"0\"", false},
	{"config.flags=[]", false},
	{"config.flags=[\"allow-discards\"]", false},
	{"config.flags=[\"surprise\"]", false},
	{"config.flags=[1]", false},
	{"config.flags=\"x\"", false},
	{"config.requirements={\"mandatory\":[\"surprise\"]}", false},
	{"config.requirements={\"mandatory\":[1]}", false},
	{"config.requirements={}", false},
	{"config.requirements=[]", false},
	{"config.surprise=7", false},
	{"keyslots.8={\"type\":\"reencrypt\",\"priority\":0,\"key_size\":1,\"mode\":\"reencrypt\",\"direction\":\"forward\",\"area\":{\"type\":\"checksum\",\"offset\":\"1064960\",\"size\":\"4096\",\"hash\":\"sha256\",\"sector_size\":512}}", false},
	{"segments.0.size=\"4096\" && segments.1={\"type\":\"linear\",\"offset\":\"4198400\",\"size\":\"dynamic\"}", false},
	{"segments.0.size=\"4096\" && segments.1={\"type\":\"linear\",\"offset\":\"4198400\",\"size\":\"dynamic\",\"flags\":[\"backup-final\"]}", false},
	{"segments.0.size=\"4096\" && segments.1={\"type\":\"linear\",\"offset\":\"4198400\",\"size\":\"dynamic\",\"flags\":[\"in-reencryption\"]}", false},
	{"segments.0.size=\"8192\" && segments.1={\"type\":\"linear\",\"offset\":\"4198400\",\"size\":\"dynamic\"}", false},
	{"segments.0.size=\"4096\" && segments.1={\"type\":\"linear\",\"offset\":\"4206592\",\"size\":\"dynamic\"}", false},
	{"segments.1={\"type\":\"crypt\",\"offset\":\"0\",\"size\":\"512\",\"iv_tweak\":\"0\",\"encryption\":\"aes-xts-plain64\",\"sector_size\":512,\"flags\":[\"backup-final\"]}", false},
	{"segments.3={\"type\":\"linear\",\"offset\":\"0\",\"size\":\"512\",\"flags\":[\"backup-final\"]}", false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","direction":"forward","area":{"type":"checksum","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v2"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","direction":"forward","area":{"type":"checksum","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","direction":"forward","area":{"type":"checksum","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v3"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","direction":"forward","area":{"type":"checksum","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["offline-reencrypt"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","direction":"forward","area":{"type":"checksum","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["surprise"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","direction":"forward","area":{"type":"none","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v2"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":2,"mode":"reencrypt","direction":"forward","area":{"type":"checksum","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v2"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","direction":"sideways","area":{"type":"checksum","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v2"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"what","direction":"forward","area":{"type":"checksum","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v2"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","direction":"forward","area":{"type":"checksum","offset":"1064960","size":"4096","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v2"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","direction":"forward","area":{"type":"checksum","offset":"1064960","size":"4096","hash":"sha256"}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v2"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","direction":"forward","area":{"type":"journal","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v2"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","direction":"forward","area":{"type":"what","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v2"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","priority":0,"key_size":1,"mode":"reencrypt","area":{"type":"checksum","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v2"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`keyslots.8={"type":"reencrypt","key_size":1,"mode":"reencrypt","direction":"forward","area":{"type":"checksum","offset":"1064960","size":"4096","hash":"sha256","sector_size":512}} && digests.1={"type":"pbkdf2","keyslots":["8"],"segments":[],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"} && config.requirements={"mandatory":["online-reencrypt-v2"]} && segments.1={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-previous"]} && segments.2={"type":"crypt","offset":"4194304","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512,"flags":["backup-final"]} && digests.0.segments=["0","1","2"]`, false},
	{`config.requirements={"mandatory":["online-reencrypt-v2"]}`, false},
	{`config.requirements={"mandatory":["online-reencrypt-v3"]}`, false},
	{`config.requirements={"mandatory":["offline-reencrypt"]}`, false},
	{`digests.1={"type":"unknown","keyslots":["0"],"segments":[]}`, false},
	{"surprise={}", false},
	{"surprise=1", false},
	{"config=", false},
}

// apply makes a change.
func apply(t testing.TB, doc []byte, change string) []byte {
	t.Helper()
	if first, rest, ok := strings.Cut(change, " && "); ok {
		return apply(t, apply(t, doc, first), rest)
	}
	path, value, _ := strings.Cut(change, "=")
	var top map[string]any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&top); err != nil {
		t.Fatal(err)
	}
	words := strings.Split(path, ".")
	at := top
	for _, w := range words[:len(words)-1] {
		at = at[w].(map[string]any)
	}
	last := words[len(words)-1]
	if value == "" {
		delete(at, last)
	} else {
		at[last] = json.RawMessage(value)
	}
	out, err := encodeJSON(top)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// twoCopies writes both copies of the header v with another JSON text over image.
func twoCopies(t testing.TB, image []byte, v *Header2, doc []byte) {
	t.Helper()
	for i := range uint64(2) {
		c := *v
		c.Offset = i * v.Size
		b, err := c.encode(doc)
		if err != nil {
			t.Fatal(err)
		}
		copy(image[c.Offset:], b)
	}
}

// TestStrictness asks cryptsetup whether it takes headers with one thing changed.
func TestStrictness(t *testing.T) {
	t.Parallel()
	cryptsetup := tool(t, "cryptsetup")
	image := unpack(t, 8<<20, "luks", "l2-multi.img.xz")
	h, err := Read(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	checkRoundTrip(t, h, image)
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, c := range changes {
		changed := bytes.Clone(image[:2*h.V2.Size])
		twoCopies(t, changed, h.V2, apply(t, h.V2.JSON, c.change))
		if _, err := f.WriteAt(changed, 0); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(cryptsetup, "luksDump", path).CombinedOutput()
		_, ours := Read(bytes.NewReader(changed))
		wantRefused := err != nil || c.stricter
		if (ours != nil) != wantRefused {
			t.Errorf("change %s: we say %v, cryptsetup %v: %.100s", c.change, ours, err, out)
		}
	}
}
