package dropin_test

import "github.com/dmimg/dmimg/internal/dropin/live/livetest"

const (
	noSuper = " --no-superblock --salt=aa"
	long    = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx1234"
)

// liveSteps are one session: what one leaves the next finds.
var liveSteps = []livetest.Step{
	{Line: "status vs"},
	{Line: "-v status vs"},
	{Line: "close vs"},
	{Line: "-v close vs"},
	{Line: "close vs --cancel-deferred"},

	// open, status, close
	{Line: "open @/big vs @/bigh @BIG"},
	{Line: "status vs"},
	{Line: "-v status vs"},
	{Line: "status /dev/mapper/vs", Live: true},
	{Line: "status mapper/vs"},
	{Line: "open @/big vs @/bigh @BIG"},
	{Line: "-v open @/big vs @/bigh @BIG"},
	{Line: "open @/d vs @/h @ROOT"},
	{Line: "open @/none vs @/h @ROOT"},
	{Line: "open @/d two @/h @ROOT extra words"},
	{Line: "status two"},
	{Line: "close two"},
	{Line: "-v close vs"},
	{Line: "create vs @/big @/bigh @BIG"},
	{Line: "remove vs"},

	// root hashes
	{Line: "open @/big vs @/bigh"},
	{Line: "open @/big vs @/bigh zz"},
	{Line: "open @/big vs @/bigh 00"},
	{Line: "open @/big vs @/bigh 00@BIG"},
	{Line: "open @/d vs @/h --root-hash-file=@/rootn"},
	{Line: "close vs"},
	{Line: "open @/d vs @/h zz --root-hash-file=@/root"},
	{Line: "close vs"},
	{Line: "open @/d vs @/h --root-hash-file=@/empty"},
	{Line: "open @/d vs @/h --root-hash-file=@/none", Differ: "veritysetup exits 0 and has opened nothing", Code: 1},

	// options
	{Line: "open @/big vs @/bigh @BIG --ignore-corruption --ignore-zero-blocks --check-at-most-once --use-tasklets"},
	{Line: "status vs"},
	{Line: "close vs"},
	{Line: "open @/big vs @/bigh @BIG --panic-on-corruption --ignore-corruption"},
	{Line: "status vs"},
	{Line: "close vs"},
	{Line: "open @/big vs @/bigh @BIG --restart-on-corruption --use-tasklets"},
	{Line: "status vs"},
	{Line: "close vs"},
	{Line: "open @/big vs @/bigh @BIG --salt=zz --data-blocks=5 --hash=foo --uuid=x"},
	{Line: "close vs"},
	{Line: "open @/big vs @/bigh @BIG --hash-offset=512"},
	{Line: "open @/big vs @/bigh @BIG --hash-offset=5"},
	{Line: "open @/big vs @/junk @BIG"},

	// without superblock
	{Line: "open @/big vs @/bigp @PLAIN" + noSuper},
	{Line: "status vs"},
	{Line: "close vs"},
	{Line: "open @/big vs @/bigp @PLAIN --data-blocks=100 --uuid=zz" + noSuper},
	{Line: "status vs"},
	{Line: "close vs"},
	{Line: "open @/big vs @/bigp @PLAIN --data-blocks=161" + noSuper},
	{Line: "open @/big vs @/bigp @PLAIN --hash=foo" + noSuper},
	{Line: "open @/big vs @/bigp @PLAIN --salt=zz --no-superblock"},
	{Line: "open @/big vs @/bigp @PLAIN --data-block-size=3" + noSuper},
	{Line: "open @/big vs @/bigp @PLAIN --hash-offset=5" + noSuper},
	{Line: "open @/big vs @/bigp @PLAIN --hash-offset=512" + noSuper, Differ: "veritysetup rounds the offset down", Code: 1},
	{Do: "remove vs"},
	{Line: "open @/big vs @/bigp @PLAIN --hash-offset=8388608" + noSuper, Live: true},

	// error correction
	{Line: "open @/big vs @/bigh @BIG --fec-device=@/bigf"},
	{Line: "status vs"},
	{Line: "close vs"},
	{Line: "open @/big vs @/bigh @BIG --fec-device=@/none"},
	{Line: "open @/big vs @/bigh @BIG --fec-device="},
	{Line: "open @/big vs @/bigh @BIG --fec-device=@/empty"},
	{Line: "open @/big vs @/bigh @BIG --fec-device=@/bigf --fec-roots=1"},
	{Line: "open @/big vs @/bigh @BIG --fec-device=@/bigf --fec-roots=24", Live: true},
	{Line: "open @/big vs @/bigh @BIG --fec-device=@/bigf --fec-offset=4096", Live: true},
	{Line: "open @/big vs @/bigh @BIG --fec-device=@/bigf --fec-offset=512", Differ: "veritysetup rounds the offset down", Code: 1},
	{Do: "remove vs"},
	{Line: "open @/big vs @/bigh @BIG --fec-offset=512 --fec-roots=1"},
	{Line: "close vs"},

	// sizes
	{Line: "open @/d vs @/bigh @BIG"},
	{Line: "open @/empty vs @/bigh @BIG"},
	{Line: "open @/big vs @/empty @BIG"},
	{Line: "open @/one vs @/oneh @ONE"},
	{Line: "status vs"},
	{Line: "close vs"},
	{Line: "open @/dir vs @/h @ROOT"},
	{Line: "open @/d vs @/dir @ROOT"},

	// names
	{Line: "open @/d a/b @/h @ROOT"},
	{Line: "open @/d " + long + " @/h @ROOT"},
	{Line: "status " + long},
	{Line: "close " + long},
	{Line: "close a/b"},
	{Line: `open @/d a\x20b @/h @ROOT`},
	{Line: `status a\x20b`},
	{Line: `close a\x20b`},
	{Line: "open @/d a:b#c @/h @ROOT"},
	{Line: "close a:b#c"},

	// signatures
	{Line: "open @/d vs @/h @ROOT --root-hash-signature=@/none"},
	{Line: "open @/d vs @/h @ROOT --root-hash-signature=@/empty"},
	{Line: "open @/d vs @/h @ROOT --root-hash-signature="},
	{Line: "open @/d vs @/h @ROOT --root-hash-signature=@/junk"},
	{Line: "open @/d vs @/h @ROOT --root-hash-signature=@/tiny", Live: true},

	// in use
	{Line: "open @/d vs @/h @ROOT"},
	{Do: "hold vs"},
	{Line: "status vs"},
	{Line: "close vs"},
	{Line: "-v close vs --cancel-deferred"},
	{Line: "-v close vs --deferred"},
	{Line: "status vs"},
	{Line: "close vs --cancel-deferred"},
	{Line: "close vs --deferred"},
	{Do: "release"},
	{Line: "status vs"},
	{Line: "open @/d vs @/h @ROOT"},
	{Line: "close vs --deferred"},
	{Line: "close vs --deferred"},

	// damage
	{Line: "open @/dbad vs @/h @ROOT", Live: true},
	{Do: "read vs", Live: true},
	{Line: "status vs", Live: true},
	{Line: "close vs", Live: true},
	{Line: "open @/bigbad vs @/bigh @BIG --fec-device=@/bigf", Live: true},
	{Do: "read vs", Live: true},
	{Line: "status vs", Live: true},
	{Line: "close vs", Live: true},

	// other devices
	{Do: "create lin"},
	{Line: "status lin"},
	{Line: "open @/d lin @/h @ROOT"},
	{Line: "close lin"},
	{Do: "create lin CRYPT-PLAIN-lin"},
	{Line: "status lin"},
	{Line: "-v close lin", Differ: "veritysetup looks for what is below a PLAIN device", Code: 0},
	{Do: "create lin CRYPT-VERITY-xx-lin"},
	{Line: "status lin", Differ: "veritysetup prints a verity device of null pointers", Code: 1},
	{Line: "close lin"},
}
