// Prints what a Go package exports, as Markdown: go run package_page.go FOLDER
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/format"
	"go/parser"
	"go/printer"
	"go/token"
	"log"
	"os"
	"path/filepath"
	"strings"
)

const importPath = "github.com/OriginalDaemon/datacat/go"

type page struct {
	files   *token.FileSet
	pkg     *doc.Package
	written bytes.Buffer
}

func main() {
	files := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(os.Args[1], "*.go"))
	if err != nil {
		log.Fatal(err)
	}
	var parsed []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(files, name, nil, parser.ParseComments)
		if err != nil {
			log.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "example_test.go") {
			parsed = append(parsed, file)
		}
	}
	pkg, err := doc.NewFromFiles(files, parsed, importPath)
	if err != nil {
		log.Fatal(err)
	}
	p := &page{files: files, pkg: pkg}
	p.write()
	os.Stdout.Write(p.written.Bytes())
}

func (p *page) write() {
	fmt.Fprintf(&p.written, "# Go\n\nMade from the comments in the sources; `go doc` shows the same.\n\n")
	fmt.Fprintf(&p.written, "```go\nimport %s %q\n```\n\n", p.pkg.Name, importPath)
	p.text(p.pkg.Doc, 2)
	p.examples(p.pkg.Examples, "##")
	if len(p.pkg.Funcs) > 0 {
		p.heading("##", "Functions", "functions")
	}
	p.functions(p.pkg.Funcs, "###", "")
	for _, one := range p.pkg.Types {
		p.heading("##", "type "+one.Name, one.Name)
		p.declaration(one.Decl)
		p.text(one.Doc, 3)
		p.examples(one.Examples, "###")
		p.values(one.Consts)
		p.values(one.Vars)
		p.functions(one.Funcs, "###", "")
		p.functions(one.Methods, "###", one.Name)
	}
	p.heading("##", "Constants and variables", "constants-and-variables")
	p.values(p.pkg.Consts)
	p.values(p.pkg.Vars)
}

func (p *page) functions(functions []*doc.Func, level, receiver string) {
	for _, one := range functions {
		title, id := one.Name, one.Name
		if receiver != "" {
			title, id = receiver+"."+one.Name, receiver+"."+one.Name
		}
		p.heading(level, title, id)
		p.declaration(one.Decl)
		p.text(one.Doc, 4)
		p.examples(one.Examples, level+"#")
	}
}

func (p *page) values(values []*doc.Value) {
	for _, one := range values {
		for _, name := range one.Names {
			if ast.IsExported(name) {
				fmt.Fprintf(&p.written, "<a id=%q></a>", name)
			}
		}
		p.written.WriteString("\n\n")
		p.declaration(one.Decl)
		p.text(one.Doc, 4)
	}
}

func (p *page) examples(examples []*doc.Example, level string) {
	for _, one := range examples {
		title := "Example"
		if one.Suffix != "" {
			title += ": " + one.Suffix
		}
		fmt.Fprintf(&p.written, "**%s**\n\n", title)
		p.text(one.Doc, 4)
		p.code(&printer.CommentedNode{Node: one.Code, Comments: one.Comments})
	}
}

func (p *page) heading(level, title, id string) {
	fmt.Fprintf(&p.written, "%s %s {#%s}\n\n", level, title, id)
}

func (p *page) declaration(node ast.Decl) {
	if function, isFunction := node.(*ast.FuncDecl); isFunction {
		function.Body = nil
	}
	p.code(node)
}

func (p *page) code(node any) {
	var source bytes.Buffer
	if err := format.Node(&source, p.files, node); err != nil {
		log.Fatal(err)
	}
	text := source.String()
	if strings.HasPrefix(text, "{\n") && strings.HasSuffix(text, "}") { // the body of an example
		text = strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(text, "{\n"), "}"), "\n\t", "\n")
		text = strings.TrimPrefix(text, "\t")
	}
	fmt.Fprintf(&p.written, "```go\n%s\n```\n\n", strings.TrimRight(text, "\n"))
}

func (p *page) text(text string, level int) {
	made := p.pkg.Printer()
	made.HeadingLevel = level
	made.HeadingID = func(heading *comment.Heading) string { return strings.ToLower(heading.DefaultID()) }
	made.DocLinkURL = func(link *comment.DocLink) string {
		if link.ImportPath != "" {
			return link.DefaultURL("https://pkg.go.dev")
		}
		if link.Recv != "" {
			return "#" + link.Recv + "." + link.Name
		}
		return "#" + link.Name
	}
	p.written.Write(made.Markdown(p.pkg.Parser().Parse(text)))
	p.written.WriteString("\n\n")
}
