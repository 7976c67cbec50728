package content

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"
	"unicode/utf8"
)

// checker walks through a template and finds what would not work, or not end.
type checker struct {
	source string
	fields map[string]bool // takes the fields that the template names
}

// dot is what a template's . stands for.
type dot int

const (
	whole dot = iota // the entry, with its fields
	piece            // one of a list, or the value of a with
)

// scope is where in a template something stands.
type scope struct {
	dot  dot
	loop bool // inside a range
}

// plainSource refuses what need not be parsed.
func plainSource(source string) error {
	switch {
	case len(source) > maxTemplate:
		return fmt.Errorf("the template has %d kB; %d kB are allowed", (len(source)+1023)>>10, maxTemplate>>10)
	case !utf8.ValidString(source):
		return errors.New("the template is not UTF-8: save it in that encoding")
	case strings.TrimSpace(source) == "":
		return errors.New("the template is empty: leave it out for the usual layout")
	}
	if at := regexp.MustCompile(`\{\{-?\s*(define|block|template)\b`).FindStringSubmatchIndex(source); at != nil {
		return errorAt(source, at[2], fmt.Sprintf("{{%s}} is not to be had here: write the whole post in one template", source[at[2]:at[3]]))
	}
	if i := strings.IndexFunc(source, disguise); i >= 0 {
		r, _ := utf8.DecodeRuneInString(source[i:])
		return errorAt(source, i, fmt.Sprintf("%U is no character: remove it", r))
	}
	return nil
}

// errorAt says where in the template something is wrong, and what.
func errorAt(source string, at int, what string) error {
	at = min(at, len(source))
	before := source[:at]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Errorf("line %d, column %d: %s", line, column, what)
}

func (c checker) fail(n parse.Node, format string, args ...any) error {
	return errorAt(c.source, int(n.Position()), fmt.Sprintf(format, args...))
}

func (c checker) list(l *parse.ListNode, in scope) error {
	if l == nil {
		return nil
	}
	for _, n := range l.Nodes {
		if err := c.node(n, in); err != nil {
			return err
		}
	}
	return nil
}

func (c checker) node(n parse.Node, in scope) error {
	switch n := n.(type) {
	case *parse.ActionNode:
		return c.pipe(n.Pipe, in)
	case *parse.IfNode:
		return c.branch(&n.BranchNode, in, in)
	case *parse.WithNode:
		return c.branch(&n.BranchNode, in, scope{dot: piece, loop: in.loop})
	case *parse.RangeNode:
		if err := c.loop(n, in); err != nil {
			return err
		}
		return c.branch(&n.BranchNode, in, scope{dot: piece, loop: true})
	case *parse.TemplateNode:
		return c.fail(n, "{{template}} is not to be had here: write the whole post in one template")
	}
	return nil
}

func (c checker) branch(b *parse.BranchNode, in, inside scope) error {
	return errors.Join(c.pipe(b.Pipe, in), c.list(b.List, inside), c.list(b.ElseList, in))
}

// loop lets a range go over lists of the entry alone, which are short, and none inside another: the time that a
// template takes is bounded by that.
func (c checker) loop(n *parse.RangeNode, in scope) error {
	if in.loop {
		return c.fail(n.Pipe, "a {{range}} cannot stand inside another one")
	}
	last := n.Pipe.Cmds[len(n.Pipe.Cmds)-1]
	switch arg := last.Args[0].(type) {
	case *parse.IdentifierNode:
		if arg.Ident == "first" {
			return nil
		}
	case *parse.FieldNode:
		if listField(arg.Ident[0]) {
			return nil
		}
	case *parse.VariableNode:
		if len(arg.Ident) == 2 && arg.Ident[0] == "$" && listField(arg.Ident[1]) {
			return nil
		}
	}
	return c.fail(n.Pipe, "{{range}} goes over .Authors or .Categories, or the first of them: {{range first 3 .Categories}}")
}

func listField(name string) bool { return name == "Authors" || name == "Categories" }

func (c checker) pipe(p *parse.PipeNode, in scope) error {
	if p == nil {
		return nil
	}
	for _, cmd := range p.Cmds {
		for _, arg := range cmd.Args {
			if err := c.arg(arg, in); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c checker) arg(n parse.Node, in scope) error {
	switch n := n.(type) {
	case *parse.PipeNode:
		return c.pipe(n, in)
	case *parse.IdentifierNode:
		if !slices.Contains(functionNames(), n.Ident) {
			return c.fail(n, "%s", noFunction(n.Ident))
		}
	case *parse.FieldNode:
		if in.dot == piece {
			return c.fail(n, "inside {{range}} and {{with}} the dot is a text, which has no .%s; $.%s is that of the entry", n.Ident[0], n.Ident[0])
		}
		return c.field(n, n.Ident)
	case *parse.VariableNode:
		if n.Ident[0] == "$" && len(n.Ident) > 1 {
			return c.field(n, n.Ident[1:])
		}
		if len(n.Ident) > 1 {
			return c.fail(n, "%s is a text, which has no .%s", n.Ident[0], n.Ident[1])
		}
		if n.Ident[0] == "$" {
			return c.fail(n, "$ is the entry, which is no text; %s", fieldsThereAre())
		}
	case *parse.DotNode:
		if in.dot == whole {
			return c.fail(n, "the dot is the entry, which is no text; %s", fieldsThereAre())
		}
	case *parse.ChainNode:
		return c.fail(n, "a text has no .%s", strings.Join(n.Field, "."))
	}
	return nil
}

// field checks a field of the entry.
func (c checker) field(n parse.Node, ident []string) error {
	names := fieldNames()
	if !slices.Contains(names, ident[0]) {
		what := "unknown field ." + ident[0] + "; " + fieldsThereAre()
		if near := nearest(ident[0], names); near != "" {
			what += "; did you mean ." + near + "?"
		}
		return c.fail(n, "%s", what)
	}
	if len(ident) > 1 {
		return c.fail(n, ".%s has no .%s", ident[0], ident[1])
	}
	c.fields[ident[0]] = true
	return nil
}

func fieldsThereAre() string {
	return "there are ." + strings.Join(fieldNames(), ", .")
}

func noFunction(name string) string {
	names := functionNames()
	what := "there is no function " + name + "; there are " + strings.Join(names, ", ")
	if near := nearest(name, names); near != "" {
		what += "; did you mean " + near + "?"
	} else if slices.Contains(fieldNames(), strings.ToUpper(name[:1])+name[1:]) {
		what += "; did you mean ." + strings.ToUpper(name[:1]) + name[1:] + "?"
	}
	return what
}
