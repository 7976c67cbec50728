package fedtest

import "net/http"

// Fault is a scripted failure.
type Fault struct {
	Path   string // of the requests it answers
	Status int    // 0: the connection breaks
	Times  int    // how often; below 0: always
	Header http.Header
}

// Fail makes the next requests to path fail with a status: so many times, for ever if times is below 0.
// Requests to an inbox that fail so are recorded as refused arrivals.
func (s *Server) Fail(path string, status, times int) {
	s.FailWith(Fault{Path: path, Status: status, Times: times})
}

// FailWith scripts a failure; one with Times 0 takes back all failures of its path.
func (s *Server) FailWith(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times != 0 {
		s.faults = append(s.faults, &f)
		return
	}
	for _, old := range s.faults {
		if old.Path == f.Path {
			old.Times = 0
		}
	}
}

// OnRequest calls hook with every incoming request before anything is done with it, in the request's own
// goroutine; a hook that waits should end with the request's context. nil takes the hook away.
func (s *Server) OnRequest(hook func(*http.Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

func (s *Server) takeFault(r *http.Request) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Path != r.URL.Path || f.Times == 0 {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		return *f, true
	}
	return Fault{}, false
}

func (s *Server) serveFault(w http.ResponseWriter, r *http.Request, f Fault) {
	if r.Method == http.MethodPost {
		in, _, _ := s.readArrival(r)
		in.Status, in.Err = f.Status, errScripted
		s.record(in)
	}
	if f.Status == 0 {
		panic(http.ErrAbortHandler)
	}
	for name, vs := range f.Header {
		w.Header()[name] = vs
	}
	w.WriteHeader(f.Status)
}
