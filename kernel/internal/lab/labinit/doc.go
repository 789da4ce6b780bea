// Command labinit is /init of the lab's guests, and their /sbin/modprobe. It
// prepares what programs expect of a machine, runs the commands of the
// specification (package guest), writes their output to the virtio port and what
// they left to the disk of artifacts, and turns the machine off:
//
//	LAB: ready 3120 ms
//	LAB: exit=0
//
// are its lines on the console. It is of no use outside of a guest.
package main
