package main

// benchCmd measures. Without the name of a part it is the endpoint's, so that `stagecoach bench --clients 8` works.
type benchCmd struct {
	Endpoint benchEndpointCmd `cmd:"" default:"withargs" help:"Tokens per second through the HTTP endpoint of a running cluster (what bench alone does)."`
	Engine   benchEngineCmd   `cmd:"" help:"Loading, prefill and decode of one model inside this process, without a cluster."`
	Kernels  benchKernelsCmd  `cmd:"" help:"GB/s and Gop/s of matrix products, beside the ceilings of this machine."`
}
