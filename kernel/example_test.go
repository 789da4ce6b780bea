package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

func Example() {
	c, err := kernel.OpenControl()
	if errors.Is(err, kernel.ErrPermission) {
		log.Fatal("run this as root")
	}
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	info, err := c.CreateAndLoad(ctx, "data", kernel.ActivateOptions{}, tables.LinearTable{
		Length: 1 << 30, BackendDevice: "/dev/sdb", BackendOffset: 1 << 20,
	})
	if err != nil {
		log.Fatal(err) // nothing is left behind
	}
	fmt.Printf("/dev/mapper/%s is %d:%d\n", info.Name, kernel.Major(info.DevNo), kernel.Minor(info.DevNo))
	if _, err := c.Remove(ctx, kernel.ByName("data"), kernel.RemoveOptions{Retry: true}); err != nil {
		log.Fatal(err)
	}
}

// Several devices are made at once and udev is waited for once.
func ExampleCookie() {
	c, err := kernel.OpenControl()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()
	cookie, err := c.NewCookie()
	if err != nil {
		log.Fatal(err)
	}
	o := kernel.ActivateOptions{Resume: kernel.ResumeOptions{Udev: kernel.UdevOptions{Cookie: cookie}}}
	for i := range uint64(4) {
		t := tables.LinearTable{Length: 1 << 30, BackendDevice: "/dev/sdb", BackendOffset: i << 30}
		if _, err := c.CreateAndLoad(ctx, fmt.Sprint("data", i), o, t); err != nil {
			log.Print(err)
		}
	}
	if err := cookie.Wait(ctx); err != nil {
		log.Fatal(err)
	}
}

// The stream begins with the devices that are there.
func ExampleControl_Events() {
	c, err := kernel.OpenControl()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for e, err := range c.Events(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Kind, e.Entry.Name, e.Entry.EventNr)
	}
}
