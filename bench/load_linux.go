package bench

import (
	"os"
	"strconv"
	"strings"
)

// loadAverage returns how many threads wanted to run at once in the last minute
// (proc(5), loadavg); nil if the system does not say.
func loadAverage() *float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return nil
	}
	return &load
}
