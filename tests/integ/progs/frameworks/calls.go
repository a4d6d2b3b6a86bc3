// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
)

// gRPC without generated code: each call has a method of its own, by which it is known.

var target string // that is dialled

type service interface{ unary() }

type implementation struct{}

func (implementation) unary() {}

func called(ctx context.Context, kind, path string) {
	q := &request{Kind: "grpc", Method: "POST", Path: path, Scheme: "grpc", Host: target, Routes: []string{path}, ServedBy: goid()}
	if of, _ := metadata.FromIncomingContext(ctx); len(of.Get("traceparent")) == 1 {
		p := strings.Split(of.Get("traceparent")[0], "-")
		q.Trace, q.Parent = p[1], p[2]
	}
	begins(q)
	body(ctx, kind, path)
}

func description() *grpc.ServiceDesc {
	d := &grpc.ServiceDesc{ServiceName: "truth.Calls", HandlerType: (*service)(nil)}
	for i := 0; i < each; i++ {
		unary, flow := fmt.Sprintf("Unary%d", i), fmt.Sprintf("Flow%d", i)
		d.Methods = append(d.Methods, grpc.MethodDesc{MethodName: unary,
			Handler: func(_ interface{}, ctx context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
				e := new(emptypb.Empty)
				if err := decode(e); err != nil {
					return nil, err
				}
				called(ctx, "unary", "/truth.Calls/"+unary)
				return e, nil
			}})
		d.Streams = append(d.Streams, grpc.StreamDesc{StreamName: flow, ServerStreams: true, ClientStreams: true,
			Handler: func(_ interface{}, s grpc.ServerStream) error {
				called(s.Context(), "flow", "/truth.Calls/"+flow)
				return nil
			}})
	}
	return d
}

// traced is what a client does that has a tracing library, for every other call.
func traced(i int) context.Context {
	if i%2 != 0 {
		return context.Background()
	}
	return metadata.AppendToOutgoingContext(context.Background(), "x-other", "1", "traceparent",
		fmt.Sprintf("00-%032x-%016x-01", 0xabcdef000+i, 0x123456000+i))
}

func startCalls() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	target = listener.Addr().String()
	server, d := grpc.NewServer(), description()
	server.RegisterService(d, implementation{})
	go server.Serve(listener)
	to, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	for i := range d.Methods {
		path := "/truth.Calls/" + d.Methods[i].MethodName
		sends("POST", path, "")
		go func() {
			tell(goroutine{Case: "grpc-client", Calls: path})
			use(to.Invoke(traced(i), path, new(emptypb.Empty), new(emptypb.Empty)))
		}()
	}
	for i := range d.Streams {
		path := "/truth.Calls/" + d.Streams[i].StreamName
		sends("POST", path, "")
		go func() {
			tell(goroutine{Case: "grpc-client", Calls: path})
			s, err := to.NewStream(traced(i), &d.Streams[i], path)
			if err != nil {
				panic(err)
			}
			use(s.SendMsg(new(emptypb.Empty)))
			use(s.RecvMsg(new(emptypb.Empty)))
		}()
	}
}
