package kernel_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// liar is a System whose kernel answers every command but the first with the same bytes.
type liar struct {
	kernel.System
	answer []byte
}

type liarTransport struct {
	kernel.Transport
	answer []byte
}

func (l liar) OpenControl(path string) (kernel.Transport, error) {
	t, err := l.System.OpenControl(path)
	return liarTransport{t, l.answer}, err
}

func (l liarTransport) Ioctl(number uint32, buf []byte) error {
	if number == uint32(dmioctl.CmdVersion) {
		return l.Transport.Ioctl(number, buf)
	}
	copy(buf, l.answer)
	order := dmioctl.Native.Order
	order.PutUint32(buf[28:], order.Uint32(buf[28:])&^dmioctl.FlagBufferFull) // or it goes on to 1 GiB
	return nil
}

// FuzzReply gives arbitrary answers to every verb.
func FuzzReply(f *testing.F) {
	for _, h := range []dmioctl.Header{
		{Name: "data", UUID: "u", Dev: kernel.Mkdev(253, 0), TargetCount: 1, Flags: dmioctl.FlagActivePresent | dmioctl.FlagDataOut | dmioctl.FlagUeventGenerated},
		{Name: "../../x", TargetCount: 1 << 31},
	} {
		for _, p := range []dmioctl.Payload{
			nil, dmioctl.String("text"),
			dmioctl.Deps{1, 2},
			dmioctl.Names{{Dev: 1, Name: "a", HasEvent: true, Flags: dmioctl.FlagListHasUUID, UUID: "u"}},
			dmioctl.TargetVersions{{Name: "linear"}},
			dmioctl.Specs{Convention: dmioctl.FromFirst, List: []dmioctl.Spec{{Length: 8, Target: "linear", Params: "7:0 0"}}},
		} {
			b, err := dmioctl.Native.Encode(h, p, 0)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		k := kerneltest.New(t, kerneltest.Options{Udev: kerneltest.UdevAtOnce, Tolerant: true})
		c, err := kernel.Open(kernel.Options{System: liar{k, answer}, UdevTimeout: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for name, do := range verbs(c) {
			if name != "load" { // of a disk that is not there
				_ = do()
			}
		}
		_ = c.MakeNodes(kernel.Ref{}, kernel.NodeOptions{})
		_, _ = c.Reload(context.Background(), kernel.ByName("data"), kernel.ReloadOptions{}, linear(disk))
		for name := range k.Nodes() {
			if strings.Contains(name, "/") || strings.HasPrefix(name, "..") && len(name) == 2 {
				t.Fatalf("a node %q was made", name)
			}
		}
		if left, err := c.Cookies(); err != nil || len(left) != 0 {
			t.Fatal(fmt.Sprint("cookies left: ", left, err))
		}
	})
}
