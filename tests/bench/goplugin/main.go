// The peer of `make bench ONLY=forms`: HashiCorp go-plugin, a call of 64 bytes by gRPC over a unix
// socket. Reads `ROW N` from stdin and answers with nanoseconds, as ../peer.h says. Started with
// PLUGIN set it is the plugin.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const method = "/bench.Echo/Text"
const span = 256 // round trips; the best such span counts
const text = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/"

var handshake = plugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: "BENCH", MagicCookieValue: "echo"}

type echoer interface {
	text(context.Context, *wrapperspb.StringValue) (*wrapperspb.StringValue, error)
}

type server struct{}

func (server) text(_ context.Context, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	return wrapperspb.String(in.Value), nil
}

// What protoc would have written: the message is one of protobuf's own.
func handle(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := new(wrapperspb.StringValue)
	if err := decode(in); err != nil {
		return nil, err
	}
	return srv.(echoer).text(ctx, in)
}

var service = grpc.ServiceDesc{
	ServiceName: "bench.Echo",
	HandlerType: (*echoer)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Text", Handler: handle}},
}

type echo struct{ plugin.NetRPCUnsupportedPlugin }

func (echo) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	s.RegisterService(&service, server{})
	return nil
}

func (echo) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, c *grpc.ClientConn) (any, error) {
	return c, nil
}

var plugins = map[string]plugin.Plugin{"echo": echo{}}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
	return value
}

func measure(c *grpc.ClientConn, n int) float64 {
	ctx := context.Background()
	sum, best := 0, time.Duration(0)
	start := time.Now()
	for i := range n {
		out := new(wrapperspb.StringValue)
		if err := c.Invoke(ctx, method, wrapperspb.String(text), out); err != nil {
			must(0, err)
		}
		sum += len(out.Value)
		if (i+1)%span == 0 {
			took := time.Since(start)
			if best == 0 || took < best {
				best = took
			}
			start = time.Now()
		}
	}
	if sum != n*len(text) {
		must(0, fmt.Errorf("the answers are wrong"))
	}
	return float64(best.Nanoseconds()) / span
}

func main() {
	if os.Getenv("PLUGIN") != "" {
		plugin.Serve(&plugin.ServeConfig{HandshakeConfig: handshake, Plugins: plugins,
			GRPCServer: plugin.DefaultGRPCServer, Logger: hclog.NewNullLogger()})
		return
	}
	command := exec.Command(must(os.Executable()))
	command.Env = append(os.Environ(), "PLUGIN=1")
	client := plugin.NewClient(&plugin.ClientConfig{HandshakeConfig: handshake, Plugins: plugins, Cmd: command,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger()})
	defer client.Kill()
	conn := must(must(client.Client()).Dispense("echo")).(*grpc.ClientConn)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var row string
		var n int
		must(fmt.Sscan(in.Text(), &row, &n))
		if strings.HasPrefix(row, "sidecar64") {
			fmt.Printf("%.1f\n", measure(conn, n))
		} else {
			fmt.Println("-")
		}
	}
}
