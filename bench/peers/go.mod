module github.com/dmimg/dmimg/bench/peers

go 1.26.8

tool github.com/containerd/go-dmverity/cmd/go-dmverity

require (
	github.com/Microsoft/hcsshim v0.15.0
	github.com/aead/serpent v0.0.0-20160714141033-fba169763ea6
	golang.org/x/crypto v0.58.0
)

require (
	github.com/containerd/go-dmverity v0.1.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
