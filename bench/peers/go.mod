module github.com/dmimg/dmimg/bench/peers

go 1.26.0

tool github.com/containerd/go-dmverity/cmd/go-dmverity

require (
	github.com/containerd/go-dmverity v0.1.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	golang.org/x/sys v0.41.0 // indirect
)
