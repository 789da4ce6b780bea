package tables

import (
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const kib = 1024

// structCases are structs as callers of the well-known Go API write them, with
// the line each stands for.
var structCases = []struct {
	line  string
	table Table
}{
	{"0 100 linear 7:0 16", LinearTable{Length: 100 * 512, BackendDevice: "7:0", BackendOffset: 16 * 512}},
	{"8 64 zero", ZeroTable{Start: 8 * 512, Length: 64 * 512}},
	{"0 64 error", ErrorTable{Length: 64 * 512}},
	{"0 64 error 7:0 8", ErrorTable{Length: 64 * 512, Device: "7:0", Offset: 4 * kib}},
	{"0 768 striped 3 32 7:0 0 7:1 8 /dev/a\\ b 16", StripeTable{
		Length: 768 * 512, ChunkSize: 16 * kib,
		Devices: []StripeDevice{{"7:0", 0}, {"7:1", 4 * kib}, {"/dev/a b", 8 * kib}},
	}},
	{"0 256 unstriped 2 32 1 253:0 8", UnstripedTable{
		Length: 256 * 512, NumStripes: 2, ChunkSize: 16 * kib, StripeNum: 1, Device: "253:0", Offset: 4 * kib,
	}},
	{"0 256 delay 7:0 8 10", DelayTable{Length: 256 * 512, ReadDevice: "7:0", ReadOffset: 4 * kib, ReadDelay: 10}},
	{"0 256 delay 7:0 8 10 7:1 16 20", DelayTable{
		Length: 256 * 512, ReadDevice: "7:0", ReadOffset: 4 * kib, ReadDelay: 10,
		WriteDevice: "7:1", WriteOffset: 8 * kib, WriteDelay: 20,
	}},
	{"0 256 delay 7:0 8 10 7:1 16 20 7:2 24 30", DelayTable{
		Length: 256 * 512, ReadDevice: "7:0", ReadOffset: 4 * kib, ReadDelay: 10,
		WriteDevice: "7:1", WriteOffset: 8 * kib, WriteDelay: 20,
		FlushDevice: "7:2", FlushOffset: 12 * kib, FlushDelay: 30,
	}},
	{"0 256 flakey 7:0 8 60 5 1 drop_writes", FlakeyTable{
		Length: 256 * 512, Device: "7:0", Offset: 4 * kib, UpInterval: 60, DownInterval: 5, Features: []string{"drop_writes"},
	}},
	{"0 256 dust 7:0 8 512", DustTable{Length: 256 * 512, Device: "7:0", Offset: 4 * kib, BlockSize: 512}},
	{"0 256 ebs 7:0 8 1 8", EbsTable{Length: 256 * 512, Device: "7:0", Offset: 4 * kib, EmulatedBlockSize: 512, UnderlyingBlockSize: 4 * kib}},
	{"0 768 switch 2 64 0 7:0 0 7:1 8", SwitchTable{
		Length: 768 * 512, RegionSize: 32 * kib, Devices: []SwitchDevice{{"7:0", 0}, {"7:1", 4 * kib}},
	}},
	{"0 256 multipath 1 queue_if_no_path 1 alua 2 2 round-robin 0 2 1 8:0 1 8:16 1 queue-length 0 1 0 8:32", MultipathTable{
		Length: 256 * 512, Features: []string{"queue_if_no_path"}, HWHandler: "alua", FirstGroup: 1,
		PathGroups: []MultipathGroup{
			{PathSelector: "round-robin", Paths: []MultipathPath{{"8:0", []string{"1"}}, {"8:16", []string{"1"}}}},
			{PathSelector: "queue-length", Paths: []MultipathPath{{Device: "8:32"}}},
		},
	}},
	{"0 256 multipath 0 0 1 1 service-time 0 1 2 8:0 1 50", MultipathTable{
		Length: 256 * 512, HWHandler: "0",
		PathGroups: []MultipathGroup{{PathSelector: "service-time", Paths: []MultipathPath{{"8:0", []string{"1", "50"}}}}},
	}},
	{"0 256 log-writes 7:0 7:1", LogWritesTable{Length: 256 * 512, Device: "7:0", LogDevice: "7:1"}},
	{"0 512 mirror core 2 32 nosync 2 7:0 0 7:1 8 1 handle_errors", MirrorTable{
		Length: 512 * 512, LogType: "core", LogArgs: []string{"32", "nosync"},
		Devices: []MirrorDevice{{"7:0", 0}, {"7:1", 4 * kib}}, Features: []string{"handle_errors"},
	}},
	{"0 2048 snapshot 253:0 7:1 P 8", SnapshotTable{Length: 1 << 20, OriginDevice: "253:0", COWDevice: "7:1", Persistent: true, ChunkSize: 4 * kib}},
	{"0 2048 snapshot 253:0 7:1 N 8", SnapshotTable{Length: 1 << 20, OriginDevice: "253:0", COWDevice: "7:1", ChunkSize: 4 * kib}},
	{"0 2048 snapshot 253:0 7:1 PO 8 1 discard_zeroes_cow", SnapshotTable{
		Length: 1 << 20, OriginDevice: "253:0", COWDevice: "7:1", Persistent: true, Overflow: true, ChunkSize: 4 * kib,
		Features: []string{"discard_zeroes_cow"},
	}},
	{"0 2048 snapshot-merge 253:0 7:1 P 8", SnapshotMergeTable{Length: 1 << 20, OriginDevice: "253:0", COWDevice: "7:1", Persistent: true, ChunkSize: 4 * kib}},
	{"0 2048 snapshot-origin 253:0", SnapshotOriginTable{Length: 1 << 20, OriginDevice: "253:0"}},
	{"0 4096 thin-pool 7:0 7:1 128 7 1 skip_block_zeroing", ThinPoolTable{
		Length: 2 << 20, MetadataDevice: "7:0", DataDevice: "7:1", DataBlockSize: 64 * kib, LowWaterMark: 7,
		Features: []string{"skip_block_zeroing"},
	}},
	{"0 2048 thin 253:0 5 7:2", ThinTable{Length: 1 << 20, PoolDevice: "253:0", DeviceID: 5, ExternalOrigin: "7:2"}},
	{"0 2048 cache 7:0 7:1 7:2 64 1 writeback smq 2 migration_threshold 2048", CacheTable{
		Length: 1 << 20, MetadataDevice: "7:0", CacheDevice: "7:1", OriginDevice: "7:2", BlockSize: 32 * kib,
		Features: []string{"writeback"}, Policy: "smq", PolicyArgs: []string{"migration_threshold", "2048"},
	}},
	{"0 2048 era 7:0 7:1 64", EraTable{Length: 1 << 20, MetadataDevice: "7:0", OriginDevice: "7:1", BlockSize: 32 * kib}},
	{"0 4096 clone 7:0 7:1 7:2 8 0 2 hydration_threshold 4", CloneTable{
		Length: 2 << 20, MetadataDevice: "7:0", DestinationDevice: "7:1", SourceDevice: "7:2", RegionSize: 4 * kib,
		CoreArgs: []string{"hydration_threshold", "4"},
	}},
	{"0 1024 writecache s 7:1 7:0 4096 2 high_watermark 90", WritecacheTable{
		Length: 512 * kib, Type: 1, DataDevice: "7:1", CacheDevice: "7:0", BlockSize: 4 * kib, Features: []string{"high_watermark", "90"},
	}},
	{"0 784 integrity 7:0 8 4 J 2 journal_sectors:176 internal_hash:crc32c", IntegrityTable{
		Length: 784 * 512, Device: "7:0", Offset: 4 * kib, TagSize: 4, Mode: "J",
		Features: []string{"journal_sectors:176", "internal_hash:crc32c"},
	}},
	{"0 256 crypt aes-xts-plain64 000102fe 8 7:0 16 4 allow_discards integrity:28:aead sector_size:4096 iv_large_sectors", CryptTable{
		Length: 128 * kib, BackendDevice: "7:0", BackendOffset: 8 * kib, Encryption: "aes-xts-plain64",
		Key: []byte{0, 1, 2, 0xfe}, IVTweak: 8, Flags: []string{CryptFlagAllowDiscards, CryptFlagIVLargeSectors},
		SectorSize: 4 * kib, Integrity: "28:aead",
	}},
	{"0 256 crypt aes-xts-plain64 :32:logon:foobarkey 0 7:0 0", CryptTable{
		Length: 128 * kib, BackendDevice: "7:0", Encryption: "aes-xts-plain64", KeyID: ":32:logon:foobarkey",
	}},
	{"0 256 inlinecrypt aes-xts-plain64 00ff 0 7:0 0 1 keytype:raw", InlineCryptTable{
		Length: 128 * kib, BackendDevice: "7:0", Encryption: "aes-xts-plain64", Key: []byte{0, 0xff}, KeyType: "raw",
	}},
	{"0 512 verity 1 7:0 7:1 4096 1024 64 1 sha256 00ff 0a0b 1 ignore_zero_blocks", VerityTable{
		Length: 256 * kib, HashType: 1, DataDevice: "7:0", HashDevice: "7:1", DataBlockSize: 4096, HashBlockSize: 1024,
		NumDataBlocks: 64, HashStartBlock: 1, Algorithm: "sha256", Digest: "00ff", Salt: "0a0b", Params: []string{"ignore_zero_blocks"},
	}},
	{"0 512 raid raid5_ls 3 32 region_size 64 3 7:0 7:1 - - 7:4 7:5", RaidTable{
		Length: 256 * kib, RaidType: "raid5_ls", Params: []string{"32", "region_size", "64"},
		Devices: []RaidDevice{{"7:0", "7:1"}, {"-", "-"}, {"7:4", "7:5"}},
	}},
	{"0 524288 zoned 8:0 8:16", ZonedTable{Length: 256 << 20, Devices: []string{"8:0", "8:16"}}},
	{"0 2097152 vdo V4 8:16 262144 4096 32768 16380 ack 1", VDOTable{
		Length: 1 << 30, Device: "8:16", Blocks: 262144, MinimumIOSize: 4096, CacheBlocks: 32768, Era: 16380, Params: []string{"ack", "1"},
	}},
	{"0 8 pcache /dev/pmem0 8:16 2 data_crc true", PcacheTable{
		Length: 4 * kib, CacheDevice: "/dev/pmem0", BackingDevice: "8:16", Params: []string{"data_crc", "true"},
	}},
	{"0 8 frobnicate a  b\\ c", RawTable{Length: 4 * kib, Target: "frobnicate", Params: "a  b\\ c"}},
}

func TestStructsAndLines(t *testing.T) {
	t.Parallel()
	for _, c := range structCases {
		text, err := formatLine(c.table)
		if err != nil || text != c.line {
			t.Errorf("%#v:\n got %q, %v\nwant %q", c.table, text, err, c.line)
		}
		got, err := parseTableText(c.line)
		if err != nil || !reflect.DeepEqual(got, c.table) {
			t.Errorf("%q:\n got %#v, %v\nwant %#v", c.line, got, err, c.table)
		}
	}
}

// TestEveryTargetHasAStructCase keeps structCases complete.
func TestEveryTargetHasAStructCase(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, c := range structCases {
		seen[TargetType(c.table)] = true
	}
	for _, name := range Targets() {
		if !seen[name] {
			t.Errorf("structCases has no %s", name)
		}
	}
}

// TestLeniency: struct forms that are written although another form comes back.
func TestLeniency(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		table Table
		line  string
	}{
		{
			VerityTable{Length: 4 * kib, DataDevice: "a", HashDevice: "b", DataBlockSize: 512, HashBlockSize: 512, NumDataBlocks: 8, Algorithm: "md5", Digest: "00"},
			"0 8 verity 0 a b 512 512 8 0 md5 00 -",
		},
		{RaidTable{Length: 4 * kib, RaidType: "raid1", Params: []string{"0"}, Devices: []RaidDevice{{DataDevice: "a"}, {}}}, "0 8 raid raid1 1 0 2 - a - -"},
		{MultipathTable{Length: 4 * kib}, "0 8 multipath 0 0 0 0"},
		{MultipathTable{Length: 4 * kib, HWHandler: "2", HWArgs: []string{"emc", "1"}}, "0 8 multipath 0 2 emc 1 0 0"},
		{DelayTable{Length: 4 * kib, ReadDevice: "a", ReadDelay: 5, FlushDevice: "b"}, "0 8 delay a 0 5 a 0 5 b 0 0"},
		{CryptTable{Length: 4 * kib, Encryption: "cipher_null-ecb", BackendDevice: "a", Key: []byte{}}, "0 8 crypt cipher_null-ecb - 0 a 0"},
		{RawTable{Length: 4 * kib, Target: "x", Params: "  a b\t"}, "0 8 x a b"},
		{RawTable{Length: 4 * kib, Target: "crypt", Params: "aes 00 0 a 0 1 new_option"}, "0 8 crypt aes 00 0 a 0 1 new_option"},
		{&LinearTable{Length: 4 * kib, BackendDevice: "a"}, "0 8 linear a 0"},
	} {
		if got, err := formatLine(c.table); err != nil || got != c.line {
			t.Errorf("%#v:\n got %q, %v\nwant %q", c.table, got, err, c.line)
		}
	}
}

// TestStructsThatNoTextCanSay must be refused when they are written.
func TestStructsThatNoTextCanSay(t *testing.T) {
	t.Parallel()
	const l = 4 * kib
	for _, c := range []struct {
		table Table
		field string
		kind  error
	}{
		{nil, "", ErrSyntax},
		{(*LinearTable)(nil), "", ErrSyntax},
		{LinearTable{Start: 1, Length: l, BackendDevice: "a"}, "start", ErrUnaligned},
		{LinearTable{Length: 511, BackendDevice: "a"}, "length", ErrUnaligned},
		{LinearTable{Length: l, BackendDevice: "a", BackendOffset: 513}, "offset", ErrUnaligned},
		{LinearTable{Length: l}, "device", ErrSyntax},
		{LinearTable{Length: l, BackendDevice: "a\x00b"}, "device", ErrSyntax},
		{ErrorTable{Length: l, Offset: 512}, "offset", ErrSyntax},
		{StripeTable{Length: l, ChunkSize: 512}, "stripes", ErrSyntax},
		{StripeTable{Length: l, ChunkSize: 100, Devices: []StripeDevice{{"a", 0}}}, "chunk size", ErrUnaligned},
		{StripeTable{Length: l, ChunkSize: 512, Devices: []StripeDevice{{"a", 1}}}, "offset", ErrUnaligned},
		{UnstripedTable{Length: l, NumStripes: 1, ChunkSize: 1, Device: "a"}, "chunk size", ErrUnaligned},
		{DelayTable{Length: l, ReadDevice: "a", WriteDelay: 1}, "write device", ErrSyntax},
		{DelayTable{Length: l, ReadDevice: "a", FlushOffset: 512}, "flush device", ErrSyntax},
		{FlakeyTable{Length: l, Device: "a", Features: []string{"x"}}, "features", ErrSyntax},
		{DustTable{Length: l, Device: "a", BlockSize: 100}, "block size", ErrUnaligned},
		{EbsTable{Length: l, Device: "a", EmulatedBlockSize: 100}, "emulated block size", ErrUnaligned},
		{SwitchTable{Length: l, RegionSize: 512}, "paths", ErrSyntax},
		{SwitchTable{Length: l, RegionSize: 1, Devices: []SwitchDevice{{"a", 0}}}, "region size", ErrUnaligned},
		{MultipathTable{Length: l, HWHandler: "2"}, "hardware handler", ErrSyntax},
		{MultipathTable{Length: l, FirstGroup: 1}, "first group", ErrSyntax},
		{MultipathTable{Length: l, PathGroups: []MultipathGroup{{PathSelector: "x"}}}, "paths", ErrSyntax},
		{MultipathTable{Length: l, PathGroups: []MultipathGroup{{PathSelector: "x", Paths: []MultipathPath{{"a", nil}, {"b", []string{"1"}}}}}}, "path args", ErrSyntax},
		{MirrorTable{Length: l, LogType: "core", LogArgs: []string{"8"}}, "legs", ErrSyntax},
		{MirrorTable{Length: l, LogType: "core", Devices: []MirrorDevice{{"a", 0}}}, "log args", ErrSyntax},
		{SnapshotTable{Length: l, OriginDevice: "a", COWDevice: "b", ChunkSize: 1}, "chunk size", ErrUnaligned},
		{SnapshotMergeTable{Length: l, OriginDevice: "a", COWDevice: "b", Features: []string{"x"}}, "features", ErrSyntax},
		{ThinPoolTable{Length: l, MetadataDevice: "a", DataDevice: "b", DataBlockSize: 1}, "block size", ErrUnaligned},
		{CacheTable{Length: l, MetadataDevice: "a", CacheDevice: "b", OriginDevice: "c"}, "policy", ErrSyntax},
		{CacheTable{Length: l, MetadataDevice: "a", CacheDevice: "b", OriginDevice: "c", Policy: "smq", PolicyArgs: []string{"x"}}, "policy args", ErrSyntax},
		{WritecacheTable{Length: l, Type: 2, DataDevice: "a", CacheDevice: "b"}, "type", ErrSyntax},
		{IntegrityTable{Length: l, Device: "a", Mode: "X"}, "mode", ErrSyntax},
		{IntegrityTable{Length: l, Device: "a", Mode: "J", TagSize: 256}, "tag size", ErrInvalid},
		{CryptTable{Length: l, Encryption: "aes", BackendDevice: "a", Key: []byte{1}, KeyID: ":1:user:x"}, "key", ErrSyntax},
		{CryptTable{Length: l, Encryption: "aes", BackendDevice: "a", KeyID: "logon:x"}, "key", ErrSyntax},
		{CryptTable{Length: l, Encryption: "aes", BackendDevice: "a", SectorSize: 700}, "sector_size", ErrInvalid},
		{CryptTable{Length: l, Encryption: "aes", BackendDevice: "a", Flags: []string{"sector_size:4096"}}, "flags", ErrSyntax},
		{CryptTable{Length: l, Encryption: "aes", BackendDevice: "a", Flags: []string{"sector_size:4096"}, SectorSize: 512}, "sector_size", ErrSyntax},
		{InlineCryptTable{Length: l, Encryption: "aes", BackendDevice: "a", Flags: []string{"keytype:raw"}}, "flags", ErrSyntax},
		{InlineCryptTable{Length: l, Encryption: "aes", BackendDevice: "a", KeyType: "soft"}, "keytype", ErrSyntax},
		{VerityTable{Length: l, DataDevice: "a", HashDevice: "b", Algorithm: "md5"}, "root digest", ErrSyntax},
		{RaidTable{Length: l, RaidType: "raid1", Params: []string{"0"}}, "devices", ErrSyntax},
		{RaidTable{Length: l, RaidType: "raid1", Devices: []RaidDevice{{"a", "b"}}}, "chunk", ErrSyntax},
		{ZonedTable{Length: l}, "devices", ErrSyntax},
		{VDOTable{Length: l, Device: "a", Params: []string{"x"}}, "params", ErrSyntax},
		{PcacheTable{Length: l, CacheDevice: "a", BackingDevice: "b", Params: []string{"x"}}, "params", ErrSyntax},
		{RawTable{Length: l, Params: "x"}, "target", ErrSyntax},
		{RawTable{Length: l, Target: "a b"}, "target", ErrSyntax},
		{RawTable{Length: l, Target: "x", Params: "a\x00"}, "", ErrSyntax},
	} {
		_, err := LineOf(c.table)
		var p *ParseError
		if !errors.As(err, &p) || p.Field != c.field || !errors.Is(err, c.kind) {
			t.Errorf("LineOf(%#v) = %v, want field %q, %v", c.table, err, c.field, c.kind)
		}
	}
}

// apiTypes are the types that the API document names, Volume aside.
var apiTypes = map[string]reflect.Type{
	"CacheTable": reflect.TypeOf(CacheTable{}), "CryptTable": reflect.TypeOf(CryptTable{}),
	"DelayTable": reflect.TypeOf(DelayTable{}), "DeviceInfo": reflect.TypeOf(DeviceInfo{}),
	"DustTable": reflect.TypeOf(DustTable{}), "EraTable": reflect.TypeOf(EraTable{}),
	"ErrorTable": reflect.TypeOf(ErrorTable{}), "FlakeyTable": reflect.TypeOf(FlakeyTable{}),
	"IntegrityTable": reflect.TypeOf(IntegrityTable{}), "LinearTable": reflect.TypeOf(LinearTable{}),
	"ListItem": reflect.TypeOf(ListItem{}), "LogWritesTable": reflect.TypeOf(LogWritesTable{}),
	"MirrorDevice": reflect.TypeOf(MirrorDevice{}), "MirrorTable": reflect.TypeOf(MirrorTable{}),
	"MultipathGroup": reflect.TypeOf(MultipathGroup{}), "MultipathPath": reflect.TypeOf(MultipathPath{}),
	"MultipathTable": reflect.TypeOf(MultipathTable{}), "RaidDevice": reflect.TypeOf(RaidDevice{}),
	"RaidTable": reflect.TypeOf(RaidTable{}), "SnapshotMergeTable": reflect.TypeOf(SnapshotMergeTable{}),
	"SnapshotOriginTable": reflect.TypeOf(SnapshotOriginTable{}), "SnapshotTable": reflect.TypeOf(SnapshotTable{}),
	"StripeDevice": reflect.TypeOf(StripeDevice{}), "StripeTable": reflect.TypeOf(StripeTable{}),
	"SwitchDevice": reflect.TypeOf(SwitchDevice{}), "SwitchTable": reflect.TypeOf(SwitchTable{}),
	"ThinPoolTable": reflect.TypeOf(ThinPoolTable{}), "ThinTable": reflect.TypeOf(ThinTable{}),
	"UnstripedTable": reflect.TypeOf(UnstripedTable{}), "VerityTable": reflect.TypeOf(VerityTable{}),
	"WritecacheTable": reflect.TypeOf(WritecacheTable{}), "ZeroTable": reflect.TypeOf(ZeroTable{}),
}

var (
	structStart = regexp.MustCompile(`^type (\w+) struct {$`)
	fieldLine   = regexp.MustCompile(`^((?:\w+, )*\w+)\s+([\w\[\].]+)(?:\s*//.*)?$`)
)

// TestAPIDocument compares the structs with the document of the API that they
// keep.
func TestAPIDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(repoFile(t, "reference", "devmapper-go-api.txt"))
	if err != nil {
		t.Fatal(err)
	}
	fields := 0
	var typ reflect.Type
	for _, line := range strings.Split(string(text), "\n") {
		if m := structStart.FindStringSubmatch(line); m != nil {
			if typ = apiTypes[m[1]]; typ == nil {
				t.Errorf("type %s of the document is missing", m[1])
			}
			continue
		}
		if line == "}" {
			typ = nil
		}
		m := fieldLine.FindStringSubmatch(line)
		if typ == nil || m == nil {
			continue
		}
		for _, name := range strings.Split(m[1], ", ") {
			fields++
			f, ok := typ.FieldByName(name)
			if got := strings.ReplaceAll(strings.ReplaceAll(f.Type.String(), "tables.", ""), "uint8", "byte"); !ok || got != m[2] {
				t.Errorf("%s.%s is %q, want %q", typ.Name(), name, got, m[2])
			}
		}
	}
	if fields < 120 {
		t.Errorf("found %d fields in the document, want at least 120", fields)
	}
}
