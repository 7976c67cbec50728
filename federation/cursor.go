package federation

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"crier/store"
)

// place is one page of a collection: its number from 1, and where it begins, as all links between pages say. The
// number tells the first page, which has the shortest address; it alone names the next fifty, too, but to count off
// the rows in front of a page further on would cost too much (see store.FollowersAt).
type place struct {
	number int
	at     store.Cursor
	placed bool // at was named, so it is part of the address
}

// id is the address of the page.
func (p place) id(collection string) string {
	if p.number <= 1 && !p.placed {
		return pageID(collection, 1)
	}
	if !p.placed {
		return pageID(collection, p.number)
	}
	return pageID(collection, p.number) + "&before=" + base64.RawURLEncoding.EncodeToString(p.at)
}

// placeOf reads which page a request wants; number 0 is the collection itself. Where it can be none it has
// answered, and returns false.
func (s *Server) placeOf(w http.ResponseWriter, r *http.Request) (place, bool) {
	number, ok := s.pageOf(w, r)
	p := place{number: number}
	if query := r.URL.Query(); ok && number > 0 && query.Has("before") {
		at, err := base64.RawURLEncoding.DecodeString(query.Get("before"))
		if err != nil || len(at) == 0 {
			s.fail(w, r, http.StatusBadRequest, "a page begins where another page says")
			return place{}, false
		}
		p.at, p.placed = at, true
	}
	return p, ok
}

// paged is an ordered collection that is served in pages, newest first.
type paged[T any] struct {
	id      string
	context any
	total   func() (int, error)
	page    func(at store.Cursor, limit int) (store.Page[T], error)
	at      func(skip int) (store.Cursor, error)
	last    func(rows int) (store.Cursor, error)
	item    func(T) (json.RawMessage, error) // nil: it is not shown
}

// servePaged answers for a collection or one page of it.
func servePaged[T any](s *Server, w http.ResponseWriter, r *http.Request, c paged[T]) {
	p, ok := s.placeOf(w, r)
	if !ok {
		return
	}
	var v any
	total, err := c.total()
	switch {
	case err != nil:
	case p.number == 0:
		v, err = c.whole(total)
	default:
		v, err = c.one(p, total)
	}
	switch {
	case err != nil:
		s.fault(w, r, fmt.Errorf("read the collection %s: %w", c.id, err))
	case v == nil:
		s.noPage(w, r)
	default:
		serveCollection(w, r, v)
	}
}

// whole is the collection itself: how many there are, and where to begin.
func (c paged[T]) whole(total int) (any, error) {
	v := collection{
		Context: nsActivityStreams, ID: c.id, Type: "OrderedCollection", TotalItems: total, First: pageID(c.id, 1),
	}
	if total <= pageSize {
		v.Last = v.First
		return v, nil
	}
	at, err := c.last((total-1)%pageSize + 1)
	if err != nil {
		return nil, err
	}
	if len(at) > 0 {
		v.Last = place{number: (total + pageSize - 1) / pageSize, at: at, placed: true}.id(c.id)
	}
	return v, nil
}

// one is a page; nil where there is no such page.
func (c paged[T]) one(p place, total int) (any, error) {
	from := p.at
	if !p.placed {
		var err error
		if from, err = c.at((p.number - 1) * pageSize); err != nil {
			return nil, err
		}
	}
	if from == nil {
		return nil, nil
	}
	rows, err := c.page(from, pageSize)
	if err != nil || p.number > 1 && len(rows.Items) == 0 && rows.Next == nil {
		return nil, err
	}
	v := collectionPage{
		Context: c.context, ID: p.id(c.id), Type: "OrderedCollectionPage", PartOf: c.id, TotalItems: total,
		OrderedItems: []json.RawMessage{},
	}
	for _, row := range rows.Items {
		item, err := c.item(row)
		if err != nil {
			return nil, err
		}
		if item != nil {
			v.OrderedItems = append(v.OrderedItems, item)
		}
	}
	if len(rows.Next) > 0 {
		v.Next = place{number: p.number + 1, at: rows.Next, placed: true}.id(c.id)
	}
	if p.number > 1 {
		v.Prev = p.before(rows.Prev).id(c.id)
	}
	return v, nil
}

// before is the page in front of this one, which begins at prev.
func (p place) before(prev store.Cursor) place {
	b := place{number: p.number - 1}
	if p.placed && b.number > 1 && len(prev) > 0 {
		b.at, b.placed = prev, true
	}
	return b
}

// pageID is the id of a page, the first being 1.
func pageID(collection string, page int) string { return collection + "?page=" + strconv.Itoa(page) }
