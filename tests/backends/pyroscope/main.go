// SPDX-License-Identifier: BSD-2-Clause

// pyroscope: takes profiles and gives them back as Pyroscope does: its published API, with memory for a store. The server
// itself is no Go module that can be had. It refuses what the server refuses: no __name__, bad label names, empty values, a
// profile that does not parse. Of a query it knows the matcher = alone, and no times.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"

	"connectrpc.com/connect"
	"github.com/google/pprof/profile"
	profilev1 "github.com/grafana/pyroscope/api/gen/proto/go/google/v1"
	pushv1 "github.com/grafana/pyroscope/api/gen/proto/go/push/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/push/v1/pushv1connect"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/querier/v1/querierv1connect"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"
	"google.golang.org/protobuf/proto"
)

type server struct {
	querierv1connect.UnimplementedQuerierServiceHandler
	sync.Mutex
	labels   []map[string]string
	profiles []*profile.Profile
}

var name = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
var matcher = regexp.MustCompile(`(\w+)\s*=\s*"([^"]*)"`)

func bad(f string, a ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf(f, a...))
}

func (s *server) Push(_ context.Context, r *connect.Request[pushv1.PushRequest]) (*connect.Response[pushv1.PushResponse], error) {
	s.Lock()
	defer s.Unlock()
	for _, series := range r.Msg.Series {
		l := map[string]string{"service_name": "unknown_service"}
		for _, p := range series.Labels {
			if !name.MatchString(p.Name) || p.Value == "" {
				return nil, bad("label %q=%q", p.Name, p.Value)
			}
			l[p.Name] = p.Value
		}
		if l["__name__"] == "" {
			return nil, bad("no __name__")
		}
		for _, raw := range series.Samples {
			p, err := profile.ParseData(raw.RawProfile)
			if err != nil {
				return nil, bad("%v", err)
			}
			s.labels, s.profiles = append(s.labels, l), append(s.profiles, p)
		}
	}
	return connect.NewResponse(&pushv1.PushResponse{}), nil
}

// id names the i-th value of a profile as Pyroscope does.
func (s *server) id(p, i int) string {
	v, pt := s.profiles[p].SampleType[i], s.profiles[p].PeriodType
	if pt == nil {
		pt = &profile.ValueType{}
	}
	return strings.Join([]string{s.labels[p]["__name__"], v.Type, v.Unit, pt.Type, pt.Unit}, ":")
}

func (s *server) ProfileTypes(context.Context, *connect.Request[querierv1.ProfileTypesRequest]) (*connect.Response[querierv1.ProfileTypesResponse], error) {
	s.Lock()
	defer s.Unlock()
	out := &querierv1.ProfileTypesResponse{}
	for p := range s.profiles {
		for i := range s.profiles[p].SampleType {
			out.ProfileTypes = append(out.ProfileTypes, &typesv1.ProfileType{ID: s.id(p, i)})
		}
	}
	return connect.NewResponse(out), nil
}

func (s *server) SelectMergeProfile(_ context.Context, r *connect.Request[querierv1.SelectMergeProfileRequest]) (*connect.Response[profilev1.Profile], error) {
	s.Lock()
	defer s.Unlock()
	var found []*profile.Profile
next:
	for p := range s.profiles {
		for _, m := range matcher.FindAllStringSubmatch(r.Msg.LabelSelector, -1) {
			if s.labels[p][m[1]] != m[2] {
				continue next
			}
		}
		for i := range s.profiles[p].SampleType {
			if s.id(p, i) == r.Msg.ProfileTypeID {
				c := s.profiles[p].Copy()
				c.SampleType = c.SampleType[i : i+1]
				for _, x := range c.Sample {
					x.Value = x.Value[i : i+1]
				}
				found = append(found, c)
			}
		}
	}
	out := &profilev1.Profile{}
	if found == nil {
		return connect.NewResponse(out), nil
	}
	merged, err := profile.Merge(found)
	if err != nil {
		return nil, bad("%v", err)
	}
	var b strings.Builder
	if err = merged.WriteUncompressed(&b); err == nil {
		err = proto.Unmarshal([]byte(b.String()), out)
	}
	return connect.NewResponse(out), err
}

func main() {
	s, mux := &server{}, http.NewServeMux()
	mux.Handle(pushv1connect.NewPusherServiceHandler(s))
	mux.Handle(querierv1connect.NewQuerierServiceHandler(s))
	mux.HandleFunc("/ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ready") })
	log.Fatal(http.ListenAndServe(os.Args[1], mux))
}
