package tables

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// options calls the Options method of a table.
func options(tab Table) (any, error) {
	m := reflect.ValueOf(tab).MethodByName("Options")
	out := m.Call(nil)
	err, _ := out[1].Interface().(error)
	return out[0].Interface(), err
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line string
		want any
	}{
		{"flakey 7:0 0 1 1", FlakeyOptions{ErrorReads: true, ErrorWrites: true}},
		{"flakey 7:0 0 1 1 1 drop_writes", FlakeyOptions{DropWrites: true}},
		{"flakey 7:0 0 1 1 9 corrupt_bio_byte 32 R 1 8 RANDOM_READ_CORRUPT 5 random_write_corrupt 6", FlakeyOptions{
			CorruptBioByte: CorruptBioByte{Byte: 32, Direction: "r", Value: 1, Flags: 8}, RandomReadCorrupt: 5, RandomWriteCorrupt: 6,
		}},
		{"multipath 7 queue_if_no_path retain_attached_hw_handler pg_init_retries 3 pg_init_delay_msecs 4 queue_if_no_pat 0 0 0", nil},
		{"multipath 6 queue_if_no_path retain_attached_hw_handler pg_init_retries 3 queue_mode MQ 0 0 0", MultipathOptions{
			QueueIfNoPath: true, RetainAttachedHWHandler: true, PGInitRetries: 3, QueueMode: "mq",
		}},
		{"mirror core 1 8 2 a 0 b 0 2 keep_log handle_errors", MirrorOptions{HandleErrors: true, KeepLog: true}},
		{"snapshot a b P 8 2 discard_zeroes_cow discard_passdown_origin", SnapshotOptions{DiscardZeroesCOW: true, DiscardPassdownOrigin: true}},
		{"snapshot-merge a b P 8 1 discard_zeroes_cow", SnapshotOptions{DiscardZeroesCOW: true}},
		{"thin-pool a b 128 0 4 skip_block_zeroing ignore_discard no_discard_passdown read_only", ThinPoolOptions{
			SkipBlockZeroing: true, IgnoreDiscard: true, NoDiscardPassdown: true, ReadOnly: true,
		}},
		{"thin-pool a b 128 0 1 error_if_no_space", ThinPoolOptions{ErrorIfNoSpace: true}},
		{"cache a b c 64 0 smq 0", CacheOptions{Mode: "writeback"}},
		{"cache a b c 64 3 metadata2 PASSTHROUGH no_discard_passdown smq 0", CacheOptions{Mode: "passthrough", Metadata2: true, NoDiscardPassdown: true}},
		{"clone a b c 8 2 no_hydration no_discard_passdown 4 hydration_threshold 5 hydration_batch_size 6", CloneOptions{
			NoHydration: true, NoDiscardPassdown: true, HydrationThreshold: 5, HydrationBatchSize: 6,
		}},
		{"writecache s a b 4096 16 start_sector 8 high_watermark 90 low_watermark 80 writeback_jobs 1 autocommit_blocks 2 autocommit_time 3 max_age 4 pause_writeback 5", WritecacheOptions{
			StartOffset: 4096, HighWatermark: 90, LowWatermark: 80, WritebackJobs: 1, AutocommitBlocks: 2, AutocommitTime: 3, MaxAge: 4, PauseWriteback: 5,
		}},
		{"writecache p a b 4096 3 cleaner fua metadata_only", WritecacheOptions{Cleaner: true, FUA: true, MetadataOnly: true}},
		{"writecache p a b 4096 1 nofua", WritecacheOptions{NoFUA: true}},
		{"integrity a 0 4 B 18 journal_sectors:1 interleave_sectors:2 buffer_sectors:3 journal_watermark:4 commit_time:5 internal_hash:hmac(sha1):0a0b journal_crypt:ctr(aes):0c journal_mac:x block_size:1024 meta_device:7:1 recalculate reset_recalculate sectors_per_bit:6 bitmap_flush_interval:7 fix_padding fix_hmac legacy_recalculate allow_discards", IntegrityOptions{
			JournalSectors: 1, InterleaveSectors: 2, BufferSectors: 3, JournalWatermark: 4, CommitTime: 5,
			InternalHash: IntegrityAlgorithm{"hmac(sha1)", []byte{10, 11}}, JournalCrypt: IntegrityAlgorithm{"ctr(aes)", []byte{12}}, JournalMAC: IntegrityAlgorithm{Name: "x"},
			BlockSize: 1024, MetaDevice: "7:1", Recalculate: true, ResetRecalculate: true, SectorsPerBit: 6, BitmapFlushInterval: 7,
			FixPadding: true, FixHMAC: true, LegacyRecalculate: true, AllowDiscards: true,
		}},
		{"integrity a 0 4 J 1 allow_discards_keyed", IntegrityOptions{AllowDiscardsKeyed: true}},
		{"verity 1 a b 512 512 8 1 md5 00 - 14 ignore_corruption ignore_zero_blocks check_at_most_once try_verify_in_tasklet use_fec_from_device 7:2 fec_blocks 79 fec_start 1 fec_roots 2 root_hash_sig_key_desc k", VerityOptions{
			IgnoreCorruption: true, IgnoreZeroBlocks: true, CheckAtMostOnce: true, TryVerifyInTasklet: true,
			FECDevice: "7:2", FECBlocks: 79, FECStart: 1, FECRoots: 2, RootHashSigKeyDesc: "k",
		}},
		{"verity 1 a b 512 512 8 1 md5 00 - 4 restart_on_corruption panic_on_corruption restart_on_error panic_on_error", VerityOptions{
			RestartOnCorruption: true, PanicOnCorruption: true, RestartOnError: true, PanicOnError: true,
		}},
		{"raid raid10 32 64 sync nosync rebuild 1 rebuild 0 daemon_sleep 2 min_recovery_rate 3 max_recovery_rate 4 write_mostly 1 max_write_behind 8 stripe_cache 9 region_size 16 raid10_copies 2 raid10_format FAR raid10_use_near_sets delta_disks -3 data_offset 2 journal_dev 7:9 1 a b", RaidOptions{
			ChunkSize: 32 * kib, Sync: true, NoSync: true, Rebuild: []uint64{1, 0}, DaemonSleep: 2, MinRecoveryRate: 3, MaxRecoveryRate: 4,
			WriteMostly: []uint64{1}, MaxWriteBehind: 4096, StripeCache: 9, RegionSize: 8 * kib, RAID10Copies: 2, RAID10Format: "far",
			RAID10UseNearSets: true, DeltaDisks: -3, DataOffset: 1024, JournalDevice: "7:9",
		}},
		{"raid raid4 3 0 journal_mode writeback 1 a b", RaidOptions{JournalMode: "writeback"}},
		{"vdo V4 a 1 512 1 1 ack 1 bio 2 bioRotationInterval 3 cpu 4 hash 5 logical 6 physical 7 maxDiscard 8 deduplication on compression off", VDOOptions{
			Ack: 1, Bio: 2, BioRotationInterval: 3, CPU: 4, Hash: 5, Logical: 6, Physical: 7, MaxDiscard: 8, Deduplication: "on", Compression: "off",
		}},
		{"pcache a b 4 cache_mode writeback data_crc true", PcacheOptions{CacheMode: "writeback", DataCRC: "true"}},
	} {
		tab, err := parseTableText("0 8 " + c.line)
		if c.want == nil {
			if !errors.Is(err, ErrSyntax) {
				t.Errorf("%q: %v, want ErrSyntax", c.line, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.line, err)
			continue
		}
		got, err := options(tab)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q:\n got %#v, %v\nwant %#v", c.line, got, err, c.want)
		}
	}
}

// TestOptionsOfStructs: Options of a struct that was not parsed refuses words
// that are wrong.
func TestOptionsOfStructs(t *testing.T) {
	t.Parallel()
	bad := []string{"no_such_word"}
	for _, tab := range []Table{
		FlakeyTable{Features: bad},
		MultipathTable{Features: bad},
		MirrorTable{Features: bad},
		SnapshotTable{Features: bad},
		SnapshotMergeTable{Features: bad},
		ThinPoolTable{Features: bad},
		CacheTable{Features: bad},
		CloneTable{Features: bad},
		CloneTable{CoreArgs: bad},
		WritecacheTable{Features: bad},
		IntegrityTable{Features: bad},
		VerityTable{Params: bad},
		RaidTable{Params: append([]string{"0"}, bad...)},
		RaidTable{Params: bad},
		RaidTable{},
		VDOTable{Params: bad},
		PcacheTable{Params: bad},
	} {
		_, err := options(tab)
		var p *ParseError
		if !errors.As(err, &p) || p.Target != TargetType(tab) || !errors.Is(err, ErrSyntax) {
			t.Errorf("%T.Options() = %v, want a syntax error of %s", tab, err, TargetType(tab))
		}
	}
}

func TestVerityParams(t *testing.T) {
	t.Parallel()
	for _, o := range []VerityOptions{
		{},
		{IgnoreCorruption: true, PanicOnError: true, IgnoreZeroBlocks: true, CheckAtMostOnce: true, TryVerifyInTasklet: true},
		{RestartOnCorruption: true, RestartOnError: true},
		{PanicOnCorruption: true, FECDevice: "/dev/a b", FECBlocks: 79, FECStart: 3, FECRoots: 24, RootHashSigKeyDesc: "k"},
	} {
		tab := VerityTable{Params: o.Params()}
		if got, err := tab.Options(); err != nil || got != o {
			t.Errorf("%+v.Params() = %q, which reads as %+v, %v", o, tab.Params, got, err)
		}
	}
	got := strings.Join(VerityOptions{PanicOnCorruption: true, FECDevice: "7:2", FECBlocks: 79, FECRoots: 2}.Params(), " ")
	if want := "panic_on_corruption use_fec_from_device 7:2 fec_blocks 79 fec_start 0 fec_roots 2"; got != want {
		t.Errorf("Params = %q, want the kernel's order %q", got, want)
	}
}

func TestMirrorLog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		table MirrorTable
		want  MirrorLog
		kind  error
	}{
		{MirrorTable{LogType: "core", LogArgs: []string{"8"}}, MirrorLog{RegionSize: 4096}, nil},
		{MirrorTable{LogType: "core", LogArgs: []string{"8", "nosync"}}, MirrorLog{RegionSize: 4096, NoSync: true}, nil},
		{MirrorTable{LogType: "disk", LogArgs: []string{"7:9", "8", "sync"}}, MirrorLog{Device: "7:9", RegionSize: 4096, Sync: true}, nil},
		{MirrorTable{LogType: "disk", LogArgs: []string{"7:9", "8", "sync", "x"}}, MirrorLog{Device: "7:9"}, ErrSyntax},
		{MirrorTable{LogType: "userspace"}, MirrorLog{}, ErrInvalid},
	} {
		if got, err := c.table.Log(); got != c.want || !errors.Is(err, c.kind) {
			t.Errorf("%+v.Log() = %+v, %v, want %+v, %v", c.table, got, err, c.want, c.kind)
		}
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"linear 7:0 0":                          "7:0",
		"zero":                                  "",
		"error":                                 "",
		"error 7:0 0":                           "7:0",
		"striped 3 8 a 0 b 0 a 8":               "a b",
		"unstriped 2 8 0 a 0":                   "a",
		"delay a 0 0 b 0 0 c 0 0":               "a b c",
		"flakey a 0 1 1":                        "a",
		"dust a 0 512":                          "a",
		"ebs a 0 1":                             "a",
		"switch 2 8 0 a 0 b 0":                  "a b",
		"log-writes a b":                        "a b",
		"mirror disk 2 l 8 1 a 0":               "l a",
		"mirror core 1 8 1 a 0":                 "a",
		"mirror other 0 1 a 0":                  "a",
		"snapshot a b P 8":                      "a b",
		"snapshot-merge a b P 8":                "a b",
		"snapshot-origin a":                     "a",
		"thin-pool a b 128 0":                   "a b",
		"thin a 0":                              "a",
		"thin a 0 b":                            "a b",
		"cache a b c 64 0 smq 0":                "a b c",
		"era a b 8":                             "a b",
		"clone a b c 8":                         "a b c",
		"writecache s a b 4096 0":               "a b",
		"integrity a 0 4 J 0":                   "a",
		"crypt x - 0 a 0":                       "a",
		"inlinecrypt x - 0 a 0":                 "a",
		"zoned a b":                             "a b",
		"vdo V4 a 1 512 1 1":                    "a",
		"pcache a b":                            "a b",
		"future a b":                            "",
		"raid raid1 1 0 2 a b - -":              "a b",
		"raid raid1 1 0 1 - \\ a\\-":            " a-",
		"multipath 0 0 2 1 x 0 1 0 a y 0 1 0 b": "a b",
		"integrity a 0 4 J 1 meta_device:7:1":   "a 7:1",
		"raid raid5_ls 3 8 journal_dev j 1 a b": "j a b",
		"verity 1 a a 512 512 8 1 md5 00 -":     "a",
		"verity 1 a b 512 512 8 1 md5 00 - 2 use_fec_from_device c":          "a b c",
		"verity 1 a b 512 512 8 1 md5 00 - 2 root_hash_sig_key_desc not-dev": "a b",
	} {
		tab, err := parseTableText("0 8 " + line)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if got := strings.Join(Devices(tab), " "); got != want {
			t.Errorf("Devices of %q = %q, want %q", line, got, want)
		}
	}
}

func TestHasFlag(t *testing.T) {
	t.Parallel()
	tab := CryptTable{Flags: []string{"Allow_Discards", CryptFlagIVLargeSectors}}
	for flag, want := range map[string]bool{
		CryptFlagAllowDiscards: true, CryptFlagIVLargeSectors: true, CryptFlagHighPriority: false, "": false,
	} {
		if got := tab.HasFlag(flag); got != want {
			t.Errorf("HasFlag(%q) = %v, want %v", flag, got, want)
		}
	}
}

// ExampleParse shows units: the line counts sectors, the struct bytes.
func ExampleParse() {
	ts, err := Parse(strings.NewReader("0 2048 linear /dev/sdb 64\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ts[0].(LinearTable).BackendOffset)
	// Output: 32768
}
