package wire

// Subjects name cluster, node and boot, never the epoch: a new subject at each switch would reopen the gap in
// which a subscription does not exist yet.
//
//	sc.<cluster>.coord.generate      router to coordinator, request/reply: Generate -> GenerateReply
//	sc.<cluster>.coord.router        router to coordinator: RouterMessage
//	sc.<cluster>.coord.node          shard to coordinator: NodeMessage
//	sc.<cluster>.coord.sampled       last stage to coordinator: binary Sampled
//	sc.<cluster>.coord.admin         ops and router to coordinator, request/reply: AdminRequest -> AdminReply
//	sc.<cluster>.ledger              router to the router that owns the ledger, request/reply: AdminRequest -> AdminReply
//	sc.<cluster>.nodes               coordinator to all shards: ControlMessage
//	sc.<cluster>.node.<node>.<boot>.ctl     coordinator to one shard: ControlMessage; a request is answered with the shard's Beat (the probe)
//	sc.<cluster>.node.<node>.<boot>.in      Step or Activations to one shard
//	sc.<cluster>.router.<router>.<boot>     coordinator to one router: binary Delta

// Subjects builds the subjects of one cluster.
type Subjects struct{ Cluster string }

func (s Subjects) Generate() string { return "sc." + s.Cluster + ".coord.generate" }
func (s Subjects) Router() string   { return "sc." + s.Cluster + ".coord.router" }
func (s Subjects) Nodes() string    { return "sc." + s.Cluster + ".coord.node" }
func (s Subjects) Sampled() string  { return "sc." + s.Cluster + ".coord.sampled" }
func (s Subjects) Admin() string    { return "sc." + s.Cluster + ".coord.admin" }
func (s Subjects) Ledger() string   { return "sc." + s.Cluster + ".ledger" }
func (s Subjects) AllNodes() string { return "sc." + s.Cluster + ".nodes" }

// Control is where one boot of a shard hears the coordinator.
func (s Subjects) Control(node, boot string) string {
	return "sc." + s.Cluster + ".node." + node + "." + boot + ".ctl"
}

// Input is where one boot of a shard receives frames.
func (s Subjects) Input(node, boot string) string {
	return "sc." + s.Cluster + ".node." + node + "." + boot + ".in"
}

// Delta is where one boot of a router receives tokens.
func (s Subjects) Delta(router, boot string) string {
	return "sc." + s.Cluster + ".router." + router + "." + boot
}
