package dropin_test

// step is a command line on live devices, or something that happens to a device between
// two: "hold NAME" and "release" open and close its node, "create NAME [UUID]" makes
// another device, "remove NAME" removes it, "read NAME" reads it.
type step struct {
	line   string // of veritysetup; words as those of a row
	do     string
	differ string // why ours differs on purpose; "" if it must not
	code   int    // our status then
	live   bool   // needs a kernel: the fake one does not verify, and has no nodes
}

const (
	noSuper = " --no-superblock --salt=aa"
	long    = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1234"
)

// liveSteps are one session: what one leaves the next finds.
var liveSteps = []step{
	{line: "status vs"},
	{line: "-v status vs"},
	{line: "close vs"},
	{line: "-v close vs"},
	{line: "close vs --cancel-deferred"},

	// open, status, close
	{line: "open @/big vs @/bigh @BIG"},
	{line: "status vs"},
	{line: "-v status vs"},
	{line: "status /dev/mapper/vs", live: true},
	{line: "status mapper/vs"},
	{line: "open @/big vs @/bigh @BIG"},
	{line: "-v open @/big vs @/bigh @BIG"},
	{line: "open @/d vs @/h @ROOT"},
	{line: "open @/none vs @/h @ROOT"},
	{line: "open @/d two @/h @ROOT extra words"},
	{line: "status two"},
	{line: "close two"},
	{line: "-v close vs"},
	{line: "create vs @/big @/bigh @BIG"},
	{line: "remove vs"},

	// root hashes
	{line: "open @/big vs @/bigh"},
	{line: "open @/big vs @/bigh zz"},
	{line: "open @/big vs @/bigh 00"},
	{line: "open @/big vs @/bigh 00@BIG"},
	{line: "open @/d vs @/h --root-hash-file=@/rootn"},
	{line: "close vs"},
	{line: "open @/d vs @/h zz --root-hash-file=@/root"},
	{line: "close vs"},
	{line: "open @/d vs @/h --root-hash-file=@/empty"},
	{line: "open @/d vs @/h --root-hash-file=@/none", differ: "veritysetup exits 0 and has opened nothing", code: 1},

	// options
	{line: "open @/big vs @/bigh @BIG --ignore-corruption --ignore-zero-blocks --check-at-most-once --use-tasklets"},
	{line: "status vs"},
	{line: "close vs"},
	{line: "open @/big vs @/bigh @BIG --panic-on-corruption --ignore-corruption"},
	{line: "status vs"},
	{line: "close vs"},
	{line: "open @/big vs @/bigh @BIG --restart-on-corruption --use-tasklets"},
	{line: "status vs"},
	{line: "close vs"},
	{line: "open @/big vs @/bigh @BIG --salt=zz --data-blocks=5 --hash=foo --uuid=x"},
	{line: "close vs"},
	{line: "open @/big vs @/bigh @BIG --hash-offset=512"},
	{line: "open @/big vs @/bigh @BIG --hash-offset=5"},
	{line: "open @/big vs @/junk @BIG"},

	// without superblock
	{line: "open @/big vs @/bigp @PLAIN" + noSuper},
	{line: "status vs"},
	{line: "close vs"},
	{line: "open @/big vs @/bigp @PLAIN --data-blocks=100 --uuid=zz" + noSuper},
	{line: "status vs"},
	{line: "close vs"},
	{line: "open @/big vs @/bigp @PLAIN --data-blocks=161" + noSuper},
	{line: "open @/big vs @/bigp @PLAIN --hash=foo" + noSuper},
	{line: "open @/big vs @/bigp @PLAIN --salt=zz --no-superblock"},
	{line: "open @/big vs @/bigp @PLAIN --data-block-size=3" + noSuper},
	{line: "open @/big vs @/bigp @PLAIN --hash-offset=5" + noSuper},
	{line: "open @/big vs @/bigp @PLAIN --hash-offset=512" + noSuper, differ: "veritysetup rounds the offset down", code: 1},
	{do: "remove vs"},
	{line: "open @/big vs @/bigp @PLAIN --hash-offset=8388608" + noSuper, live: true},

	// error correction
	{line: "open @/big vs @/bigh @BIG --fec-device=@/bigf"},
	{line: "status vs"},
	{line: "close vs"},
	{line: "open @/big vs @/bigh @BIG --fec-device=@/none"},
	{line: "open @/big vs @/bigh @BIG --fec-device="},
	{line: "open @/big vs @/bigh @BIG --fec-device=@/empty"},
	{line: "open @/big vs @/bigh @BIG --fec-device=@/bigf --fec-roots=1"},
	{line: "open @/big vs @/bigh @BIG --fec-device=@/bigf --fec-roots=24", live: true},
	{line: "open @/big vs @/bigh @BIG --fec-device=@/bigf --fec-offset=4096", live: true},
	{line: "open @/big vs @/bigh @BIG --fec-device=@/bigf --fec-offset=512", differ: "veritysetup rounds the offset down", code: 1},
	{do: "remove vs"},
	{line: "open @/big vs @/bigh @BIG --fec-offset=512 --fec-roots=1"},
	{line: "close vs"},

	// sizes
	{line: "open @/d vs @/bigh @BIG"},
	{line: "open @/empty vs @/bigh @BIG"},
	{line: "open @/big vs @/empty @BIG"},
	{line: "open @/one vs @/oneh @ONE"},
	{line: "status vs"},
	{line: "close vs"},
	{line: "open @/dir vs @/h @ROOT"},
	{line: "open @/d vs @/dir @ROOT"},

	// names
	{line: "open @/d a/b @/h @ROOT"},
	{line: "open @/d " + long + " @/h @ROOT"},
	{line: "status " + long},
	{line: "close " + long},
	{line: "close a/b"},
	{line: `open @/d a\x20b @/h @ROOT`},
	{line: `status a\x20b`},
	{line: `close a\x20b`},
	{line: "open @/d a:b#c @/h @ROOT"},
	{line: "close a:b#c"},

	// signatures
	{line: "open @/d vs @/h @ROOT --root-hash-signature=@/none"},
	{line: "open @/d vs @/h @ROOT --root-hash-signature=@/empty"},
	{line: "open @/d vs @/h @ROOT --root-hash-signature="},
	{line: "open @/d vs @/h @ROOT --root-hash-signature=@/junk"},
	{line: "open @/d vs @/h @ROOT --root-hash-signature=@/tiny", live: true},

	// in use
	{line: "open @/d vs @/h @ROOT"},
	{do: "hold vs"},
	{line: "status vs"},
	{line: "close vs"},
	{line: "-v close vs --cancel-deferred"},
	{line: "-v close vs --deferred"},
	{line: "status vs"},
	{line: "close vs --cancel-deferred"},
	{line: "close vs --deferred"},
	{do: "release"},
	{line: "status vs"},
	{line: "open @/d vs @/h @ROOT"},
	{line: "close vs --deferred"},
	{line: "close vs --deferred"},

	// damage
	{line: "open @/dbad vs @/h @ROOT", live: true},
	{do: "read vs", live: true},
	{line: "status vs", live: true},
	{line: "close vs", live: true},
	{line: "open @/bigbad vs @/bigh @BIG --fec-device=@/bigf", live: true},
	{do: "read vs", live: true},
	{line: "status vs", live: true},
	{line: "close vs", live: true},

	// other devices
	{do: "create lin"},
	{line: "status lin"},
	{line: "open @/d lin @/h @ROOT"},
	{line: "close lin"},
	{do: "create lin CRYPT-PLAIN-lin"},
	{line: "status lin"},
	{line: "-v close lin", differ: "veritysetup looks for what is below a PLAIN device", code: 0},
	{do: "create lin CRYPT-VERITY-xx-lin"},
	{line: "status lin", differ: "veritysetup prints a verity device of null pointers", code: 1},
	{line: "close lin"},
}
