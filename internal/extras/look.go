package extras

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"crier/content"
)

const (
	entryTimeout   = 15 * time.Second // for all of an entry; the publisher waits a little longer
	pageTimeout    = 5 * time.Second
	pictureTimeout = 10 * time.Second
	again          = 4 * time.Second // before a picture that is not there is asked for once more
	picturesAtOnce = 2               // of one entry
	rounds         = 4               // of looking: pictures that take the place of unfit ones are looked at, too
)

// task is an entry to look at.
type task struct {
	feed   string
	entry  content.Entry
	own    bool           // entry.URL is its own page, not one it links to
	before content.Extras // what was learnt of an earlier version
}

// look learns what there is to learn of an entry, until its time is over.
func (w *Worker) look(ctx context.Context, t task) content.Extras {
	treat := w.cfg.Styles[t.feed].For(t.entry)
	if treat.Skip {
		return content.Extras{}
	}
	ctx, cancel := context.WithTimeout(ctx, entryTimeout)
	defer cancel()
	s := search{w: w, client: w.client, entry: t.entry, options: treat.Options, asked: map[string]bool{}}
	if c := w.clients[t.feed]; c != nil {
		s.client = c
	}
	if t.own {
		s.page = t.entry.URL
	}
	s.x = content.Extras{Language: t.before.Language, Image: t.before.Image, Pictures: maps.Clone(t.before.Pictures)}
	// What was not there before may be there now: that is why people edit.
	maps.DeleteFunc(s.x.Pictures, func(_ string, p content.Picture) bool { return p.Unfit })
	for range rounds {
		if !s.step(ctx) || ctx.Err() != nil {
			break
		}
	}
	s.forget()
	return s.x
}

// search is the look at one entry. It belongs to one goroutine.
type search struct {
	w       *Worker
	client  *http.Client
	entry   content.Entry
	options content.Options
	page    string          // address of the page, as long as it was not read; empty: there is none to read
	asked   map[string]bool // addresses of pictures that were asked for
	shown   map[string]bool // addresses of the pictures of the latest rendering
	x       content.Extras  // what was learnt
}

// unspoken tells that neither entry nor feed nor page says the language. What the owner configured counts last.
func (s *search) unspoken() bool {
	o := s.options
	o.Language = ""
	return content.Render(content.Entry{Language: s.entry.Language}, s.x, o).Language == ""
}

// step renders the entry with what is known and learns what that rendering needs; false says that it needs
// nothing more.
func (s *search) step(ctx context.Context) bool {
	post := content.Render(s.entry, s.x, s.options)
	pictures := s.pictures(post)
	wantsImage := len(pictures) == 0 && s.options.PageImage && (s.options.Pictures == "" || s.options.Pictures == content.PicturesAttach)
	if s.page != "" && (s.unspoken() || wantsImage) {
		s.readPage(ctx)
		return true
	}
	var missing []string
	for _, address := range pictures {
		if _, known := s.x.Pictures[address]; !known && !s.asked[address] {
			missing = append(missing, address)
			s.asked[address] = true
		}
	}
	s.fetch(ctx, missing)
	return len(missing) > 0
}

// pictures returns the addresses of the pictures that a post shows.
func (s *search) pictures(post content.Post) (list []string) {
	s.shown = map[string]bool{}
	for _, m := range post.Attachments {
		if strings.HasPrefix(m.Type, "image/") {
			list = append(list, m.URL)
			s.shown[m.URL] = true
		}
	}
	return list
}

// fetch asks for pictures.
func (s *search) fetch(ctx context.Context, addresses []string) {
	var (
		all   sync.WaitGroup
		slots = make(chan struct{}, picturesAtOnce)
		found = make([]*content.Picture, len(addresses))
	)
	for i, address := range addresses {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			found[i] = s.w.picture(ctx, s.client, address)
		})
	}
	all.Wait()
	for i, p := range found {
		if p == nil {
			continue
		}
		if s.x.Pictures == nil {
			s.x.Pictures = map[string]content.Picture{}
		}
		s.x.Pictures[addresses[i]] = *p
	}
}

// readPage reads the page of the entry, once.
func (s *search) readPage(ctx context.Context) {
	address := s.page
	s.page = ""
	if p, ok := s.w.page(ctx, s.client, address); ok {
		s.x.Language, s.x.Image = p.Language, p.Image
	}
}

// forget drops the pictures of earlier versions of the entry, so that a record does not grow with every edit.
func (s *search) forget() {
	maps.DeleteFunc(s.x.Pictures, func(address string, _ content.Picture) bool {
		return !s.shown[address] && !s.asked[address]
	})
}
