package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"crier/internal/admin"
	"crier/internal/app"
)

func postCommand() command {
	return command{use: "post", short: "The posts", subs: []command{
		postListCommand(), postShowCommand(), postNewCommand(), postEditCommand(), postDeleteCommand(),
		aboutPost(admin.PostBoost, "boost URL", "Pass a post on to your followers", `Passes a post on to your followers and tells its author. URL is the post's own address or its
page's; your own posts can be boosted, too. Only what everybody may read can.`),
		aboutPost(admin.PostUnboost, "unboost URL", "Take a boost back", `Takes a boost back. URL is the address of what was boosted, as "crier post list" shows it.`),
		aboutPost(admin.PostPin, "pin POST", "Pin a post to your profile", `Pins a post to your profile, above those that were pinned before. Most servers show five.
POST is the post's id or its entry's URL.`),
		aboutPost(admin.PostUnpin, "unpin POST", "Take a pin away", `Takes a pin away. POST is the post's id or its entry's URL.`),
	}}
}

func postListCommand() command {
	return listing("The posts and boosts, newest first", operator.Posts, showPosts)
}

func showPosts(d display, list []admin.Post) {
	if len(list) == 0 {
		fmt.Fprintln(d, "no posts yet")
		return
	}
	t := newTable(table.Row{"published", "state", "post"})
	for _, p := range list {
		address := titleOr(p.URL, p.ID)
		t.AppendRow(table.Row{day(p.Published), stateOf(p), d.fit(line(titleOr(p.Title, address)), 23)})
		if p.Title != "" {
			t.AppendRow(table.Row{"", "", d.fit(line(address), 23)})
		}
	}
	fmt.Fprintln(d, t.Render())
}

// stateOf is the one word about a post that a list has room for.
func stateOf(p admin.Post) string {
	switch {
	case p.State != "live":
		return p.State
	case p.Kind == admin.KindBoost:
		return "boost"
	case !p.Pinned.IsZero():
		return "pinned"
	case p.Visibility == "followers" || p.Visibility == "direct":
		return p.Visibility
	}
	return p.State
}

// optional is the value of a flag that means something when it is empty, too.
type optional struct{ value *string }

func (o *optional) String() string {
	if o.value == nil {
		return ""
	}
	return *o.value
}

func (o *optional) Set(s string) error { o.value = &s; return nil }
func (o *optional) Type() string       { return "string" }

const markdownHelp = `The text is Markdown, of the FILE that is named ("-" for standard input), else of standard
input where that is no terminal, else as you write it in $VISUAL or $EDITOR. #hashtags become
hashtags, and @user@host mentions somebody, who is told.`

func postNewCommand() command {
	var warning optional
	r := admin.PostRequest{Do: admin.PostNew}
	return command{
		use: "new [FILE]", short: "Write a post", more: 1,
		long: `Publishes a post that belongs to no entry of your blog.

` + markdownHelp + `

An answer (--reply-to, the address of a post or of its page) is seen by no more people than what it
answers. A direct post goes to those it mentions alone.`,
		flags: func(cmd *cobra.Command) {
			jsonFlag(cmd)
			cmd.Flags().StringVar(&r.ReplyTo, "reply-to", "", "address of the post that it answers")
			cmd.Flags().Var(&warning, "cw", "content warning: what the text is folded up behind")
			cmd.Flags().StringVar(&r.Visibility, "visibility", "", "public, unlisted, followers or direct (default: that of what it\nanswers, else public)")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			r.Warning = warning.value
			if r.Visibility != "" && !slices.Contains([]string{"public", "unlisted", "followers", "direct"}, r.Visibility) {
				return usagef("crier post new", "--visibility is one of public, unlisted, followers, direct, not %q", r.Visibility)
			}
			return e.writePost(ctx, r, args, "")
		},
	}
}

func postEditCommand() command {
	var warning optional
	r := admin.PostRequest{Do: admin.PostEdit}
	return command{
		use: "edit POST [FILE]", short: "Change the text of a post", words: 1, more: 1,
		long: `Gives a post that was written by hand another text; who may see it stays. The post of an entry is
edited in the blog. POST is the post's id.

` + markdownHelp,
		flags: func(cmd *cobra.Command) {
			jsonFlag(cmd)
			cmd.Flags().Var(&warning, "cw", `content warning (default: as before; "" for none)`)
		},
		run: func(ctx context.Context, e *env, args []string) error {
			r.Warning = warning.value
			d, err := e.postDetail(ctx, args[0])
			if err != nil {
				return err
			}
			if d.Kind == admin.KindEntry { // before anybody writes a text in vain
				return fmt.Errorf("%s is the post of an entry: edit that in the blog, at %s", d.ID, d.URL)
			}
			r.Post = d.ID
			return e.writePost(ctx, r, args[1:], d.Markdown)
		},
	}
}

// writePost gets the text of a post and publishes it. What was written in an editor outlives a failure.
func (e *env) writePost(ctx context.Context, r admin.PostRequest, file []string, before string) error {
	t, err := e.write(ctx, file, before)
	if err != nil {
		return err
	}
	r.Markdown = t.markdown
	return t.settle(e.doPost(ctx, r))
}

func postDeleteCommand() command {
	var yes bool
	return command{
		use: "delete POST", short: "Delete a post for good", words: 1,
		long: `Deletes a post everywhere; it cannot come back, and its id is never used again. The post of an entry
stays deleted while the entry stands in the feed. POST is the post's id or its entry's URL.
On a terminal you are asked first; a script says --yes.`,
		flags: func(cmd *cobra.Command) {
			jsonFlag(cmd)
			yesFlag(cmd, &yes)
		},
		run: func(ctx context.Context, e *env, args []string) error {
			if !yes && !e.onTerminal() {
				return errNobodyToAsk
			}
			if !yes {
				d, err := e.postDetail(ctx, args[0])
				if err != nil {
					return err
				}
				if d.State == "live" && !e.confirmed(fmt.Sprintf("Delete %q (%s) for good?", d.Title, d.ID)) {
					return fmt.Errorf("%s was left as it is", d.ID)
				}
			}
			return e.doPost(ctx, admin.PostRequest{Do: admin.PostDelete, Post: args[0]})
		},
	}
}

func (e *env) onTerminal() bool {
	f, ok := e.In.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// confirmed asks on the terminal; only a clear yes is one.
func (e *env) confirmed(question string) bool {
	fmt.Fprint(e.Err, plain(question)+" [y/N] ")
	answer, _ := bufio.NewReader(e.In).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// aboutPost makes a command that needs nothing but the address of a post.
func aboutPost(do, use, short, long string) command {
	return command{
		use: use, short: short, long: long, words: 1, flags: jsonFlag,
		run: func(ctx context.Context, e *env, args []string) error {
			return e.doPost(ctx, admin.PostRequest{Do: do, Post: args[0]})
		},
	}
}

func (e *env) doPost(ctx context.Context, r admin.PostRequest) error {
	return e.withOperator(ctx, app.StoreRead, func(o operator) error {
		done, err := o.DoPost(ctx, r)
		if err != nil {
			return err
		}
		if e.json {
			return e.printJSON(done)
		}
		showDone(e.display(), r, done)
		return nil
	})
}

// showDone says what was done, whom it goes to, and what else there is to know.
func showDone(d display, r admin.PostRequest, done admin.PostDone) {
	p := done.Post
	address := titleOr(p.Object, p.ID)
	words := map[string][2]string{
		admin.PostNew: {"published", ""}, admin.PostEdit: {"edited", "nothing changed:"},
		admin.PostDelete: {"deleted", "deleted before:"},
		admin.PostBoost:  {"boosted", "boosted before:"}, admin.PostUnboost: {"boost taken back:", ""},
		admin.PostPin: {"pinned", "pinned before:"}, admin.PostUnpin: {"unpinned", "not pinned:"},
	}
	word := words[r.Do][0]
	if !done.Changed {
		word = words[r.Do][1]
	}
	fmt.Fprintf(d, "%s %s\n", word, line(address)) // an address that is cut cannot be used
	if done.Changed {
		fmt.Fprintf(d, "  %s\n", d.fit(whither(r, done), 2))
	}
	for _, note := range done.Notes {
		for _, part := range d.wrapped(line(note), 2) {
			fmt.Fprintf(d, "  %s\n", strings.TrimRight(part, " "))
		}
	}
}

// whither says where the news of something goes.
func whither(r admin.PostRequest, done admin.PostDone) string {
	to := fmt.Sprintf("to %d inboxes", done.Queued)
	switch {
	case done.Queued == 0:
		to = "nobody has to be told"
	case done.Queued == 1:
		to = "to 1 inbox"
	}
	if done.Queued > 0 && !done.Running {
		to += ", with the next `crier serve`"
	}
	if r.Do != admin.PostNew {
		return to
	}
	return map[string]string{
		"public": "for everybody", "unlisted": "for everybody, unlisted",
		"followers": "for the followers", "direct": "for those it mentions",
	}[done.Post.Visibility] + "; " + to
}
