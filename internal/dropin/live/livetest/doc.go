// Package livetest plays sessions of the setup tools on mapped devices: command lines of
// which each finds what those before it left. In the lab they are played with the real
// tool, whose outcomes are recorded, and with ours; everywhere else with ours on a fake
// kernel.
//
//	s := livetest.Fake(t, dir, run)
//	livetest.Compare(t, "cryptsetup", steps, s.Play(t, steps), livetest.Load(t, "testdata/session.json"))
package livetest
