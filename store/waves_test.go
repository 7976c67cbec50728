package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// manyHosts lets n followers follow, each on a host of its own, and takes their Accepts out of the way.
func manyHosts(t testing.TB, db *DB, n int) {
	t.Helper()
	for i := range n {
		actor := fmt.Sprintf("https://h%03d.example/u", i)
		_, err := db.AddFollower(noon, Follow{Follower: Follower{Actor: actor, Inbox: actor + "/inbox", Since: noon, State: FollowerAccepted}})
		ok(t, err)
	}
}

// paced publishes a step in the life of an entry's post, spread over pace.
func paced(t testing.TB, db *DB, now time.Time, key, typ string, pace time.Duration) int {
	t.Helper()
	p := publication(must[Entry](t)(db.Entry(key)), typ)
	p.Pace = pace
	return must[int](t)(db.Publish(now, p))
}

// sendAll sends all that is due at now, and returns who got what.
func sendAll(t testing.TB, db *DB, now time.Time) []string {
	t.Helper()
	var sent []string
	var settled []Outcome
	for {
		claimed, _, err := db.Step(now, time.Minute, settled, 10)
		ok(t, err)
		if len(claimed) == 0 {
			return sent
		}
		settled = nil
		for _, d := range claimed {
			sent = append(sent, d.Type+" "+d.Host[:4])
			settled = append(settled, Outcome{Delivery: d, Result: Done})
		}
	}
}

// TestWaveIsQueuedBitByBit: of a large wave only a slice is in the queue, and everybody is told once.
func TestWaveIsQueuedBitByBit(t *testing.T) {
	db := open(t)
	const inboxes = firstSlice + 50
	manyHosts(t, db, inboxes)
	entry(t, db, "blog.example/1/")
	if n := publishNow(t, db, "blog.example/1/", "Create"); n != inboxes {
		t.Errorf("it goes to %d inboxes, not %d", n, inboxes)
	}
	if rows := len(must[[]Delivery](t)(db.Deliveries())); rows != firstSlice {
		t.Errorf("%d deliveries are queued", rows)
	}
	if q, _, err := db.QueueStats(7); err != nil || q.Pending != inboxes {
		t.Errorf("the queue counts %+v, %v", q, err)
	}
	sound(t, db)
	sent := sendAll(t, db, noon)
	slices.Sort(sent)
	if len(sent) != inboxes || len(slices.Compact(sent)) != inboxes {
		t.Errorf("%d deliveries to %d inboxes", len(sent), len(slices.Compact(sent)))
	}
	if q, _, err := db.QueueStats(7); err != nil || q != (Queue{}) {
		t.Errorf("what is left: %+v, %v", q, err)
	}
}

// TestPaceSpreadsAWave: as many inboxes as the time that went by allows, and the next time is told.
func TestPaceSpreadsAWave(t *testing.T) {
	db := open(t)
	manyHosts(t, db, 10)
	entry(t, db, "blog.example/1/")
	paced(t, db, noon, "blog.example/1/", "Create", 10*time.Minute)
	for minute, want := range []int{1, 1, 1, 1} {
		now := noon.Add(time.Duration(minute) * time.Minute)
		if got := sendAll(t, db, now); len(got) != want {
			t.Errorf("minute %d: sent %v", minute, got)
		}
		_, next, err := db.Step(now, time.Minute, nil, 10)
		if ok(t, err); !next.Equal(now.Add(time.Minute)) {
			t.Errorf("minute %d: the next is due at %v", minute, next)
		}
	}
	if got := sendAll(t, db, noon.Add(-time.Hour)); len(got) != 6 { // the clock was set back
		t.Errorf("then %v", got)
	}
}

// TestUpdateDuringAWave goes only to those who have the old text; the others get the new one at once.
func TestUpdateDuringAWave(t *testing.T) {
	db := open(t)
	manyHosts(t, db, 4)
	entry(t, db, "blog.example/1/")
	paced(t, db, noon, "blog.example/1/", "Create", 4*time.Minute)
	first := sendAll(t, db, noon.Add(time.Minute))
	if n := paced(t, db, noon.Add(time.Minute), "blog.example/1/", "Update", 0); n != 2 {
		t.Errorf("the Update goes to %d", n)
	}
	rest := sendAll(t, db, noon.Add(time.Hour))
	slices.Sort(rest)
	want := []string{"Create h002", "Create h003", "Update h000", "Update h001"}
	if fmt.Sprint(first) != "[Create h000 Create h001]" || !slices.Equal(rest, want) {
		t.Errorf("sent %v, then %v", first, rest)
	}
}

// TestDeleteEndsAWave: who was not told yet never hears of the post, only of its end; deletions go first.
func TestDeleteEndsAWave(t *testing.T) {
	db := open(t)
	manyHosts(t, db, 3)
	for _, key := range []string{"blog.example/1/", "blog.example/2/"} {
		entry(t, db, key)
		paced(t, db, noon, key, "Create", time.Hour)
	}
	first := sendAll(t, db, noon)
	paced(t, db, noon, "blog.example/1/", "Delete", 0)
	rest := sendAll(t, db, noon)
	if fmt.Sprint(first) != "[Create h000 Create h000]" || fmt.Sprint(rest) != "[Delete h000 Delete h001 Delete h002]" {
		t.Errorf("sent %v, then %v", first, rest)
	}
	if got := sendAll(t, db, noon.Add(2*time.Hour)); fmt.Sprint(got) != "[Create h001 Create h002]" {
		t.Errorf("then %v", got)
	}
}

// TestDeletedPostIsNotSent: not even where it waits far behind the beginning of the Delete's wave.
func TestDeletedPostIsNotSent(t *testing.T) {
	db := open(t)
	const inboxes = firstSlice + 50
	manyHosts(t, db, inboxes)
	entry(t, db, "blog.example/1/")
	publishNow(t, db, "blog.example/1/", "Create")
	claimed, _, err := db.Step(noon, time.Minute, nil, inboxes)
	ok(t, err)
	var busy []Outcome
	for _, d := range claimed {
		busy = append(busy, Outcome{Delivery: d, Result: Retry, Next: noon.Add(time.Minute), Until: noon.Add(time.Minute), Error: "503"})
	}
	if _, _, err = db.Step(noon, time.Minute, busy, 0); err != nil || len(busy) != inboxes {
		t.Fatalf("%d of %d failed, %v", len(busy), inboxes, err)
	}
	publishNow(t, db, "blog.example/1/", "Delete")
	for _, sent := range sendAll(t, db, noon.Add(time.Hour)) {
		if !strings.HasPrefix(sent, "Delete") {
			t.Fatalf("sent after the deletion: %s", sent)
		}
	}
}

// TestEverybodyHasTheNewestState lets posts appear, change and go while waves are under way, deliveries fail
// and followers come and go, and compares in the end what each inbox was told last with what is true.
func TestEverybodyHasTheNewestState(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := &story{t: t, db: open(t), r: rand.New(rand.NewPCG(seed, 2)), now: noon, version: map[string]int{}, told: map[string]map[string]int{}}
			manyHosts(t, s.db, 12)
			for range 120 {
				s.event()
			}
			s.end()
		})
	}
}

// story is what TestEverybodyHasTheNewestState knows beside the store.
type story struct {
	t       *testing.T
	db      *DB
	r       *rand.Rand
	now     time.Time
	version map[string]int            // by post: 0 none, above it live, below it deleted
	told    map[string]map[string]int // by inbox and post: the version that came last
	flying  []Delivery
}

func (s *story) event() {
	s.now = s.now.Add(time.Duration(s.r.IntN(90)) * time.Second)
	key := fmt.Sprintf("blog.example/%d/", s.r.IntN(3))
	switch s.r.IntN(8) {
	case 0:
		s.publish(key)
	case 1:
		_, err := s.db.RemoveFollower(s.now, fmt.Sprintf("https://h%03d.example/u", s.r.IntN(2)), "")
		ok(s.t, err)
	default:
		s.send()
	}
	sound(s.t, s.db)
}

func (s *story) publish(key string) {
	v, typ := s.version[key], "Update"
	switch {
	case v < 0:
		return
	case v == 0:
		entry(s.t, s.db, key)
		typ = "Create"
	case s.r.IntN(6) == 0:
		typ = "Delete"
	}
	p := publication(must[Entry](s.t)(s.db.Entry(key)), typ)
	p.Pace = time.Duration(s.r.IntN(3)) * 5 * time.Minute
	s.version[key] = v + 1
	if typ == "Delete" {
		s.version[key] = -v
	}
	body := []byte(strconv.Itoa(s.version[key]))
	if p.Activity.Body = body; typ == "Update" {
		p.Activity.ID += body2id(body)
		p.Create.Body = body
	}
	_, err := s.db.Publish(s.now, p)
	ok(s.t, err)
}

func body2id(body []byte) string { return "-" + string(body) }

// send settles what is under way, and has what is claimed next arrive, mostly.
func (s *story) send() {
	var settled []Outcome
	for _, d := range s.flying {
		o := Outcome{Delivery: d, Result: Done}
		if s.r.IntN(3) == 0 {
			o.Result, o.Next, o.Error = Retry, s.now.Add(time.Minute), "503"
		} else {
			s.arrive(d)
		}
		settled = append(settled, o)
	}
	claimed, _, err := s.db.Step(s.now, time.Minute, settled, 1+s.r.IntN(5))
	ok(s.t, err)
	s.flying = claimed
}

// arrive has an inbox take a delivery, with the text that the activity has now.
func (s *story) arrive(d Delivery) {
	a, err := s.db.Activity(d.Activity)
	if err != nil {
		return // deleted while it was under way: its body was read before, and the Delete follows
	}
	v, err := strconv.Atoi(string(a.Body))
	ok(s.t, err)
	inbox := s.told[d.Inbox]
	if inbox == nil {
		inbox = map[string]int{}
		s.told[d.Inbox] = inbox
	}
	post := d.Object[len("https://me.example/posts/"):]
	switch before := inbox[post]; {
	case d.Type == "Create" && before < 0:
		s.t.Errorf("%s was told of %s after its end", d.Inbox, post)
	case d.Type == "Update" && before == 0:
		s.t.Errorf("%s was told of a change of %s before the post", d.Inbox, post)
	}
	inbox[post] = v
}

func (s *story) end() {
	for range 400 {
		s.now = s.now.Add(time.Minute)
		s.send()
	}
	if left := must[[]Delivery](s.t)(s.db.Deliveries()); len(left) != 0 {
		s.t.Fatalf("%d deliveries never ended", len(left))
	}
	for _, f := range must[[]Follower](s.t)(s.db.Followers(0, 0)) {
		for post, v := range s.version {
			if got := s.told[f.Inbox][post]; got != v {
				s.t.Errorf("%s was told version %d of %s last, not %d", f.Inbox, got, post, v)
			}
		}
	}
}
