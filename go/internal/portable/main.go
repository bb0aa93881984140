// Command portable checks that the package in the working directory compiles on other systems. It checks sources as the
// compiler would, which takes a tenth of what compiling the standard library for each system would.
//
//	portable windows darwin
package main

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
)

func main() {
	build.Default.CgoEnabled = false
	for _, system := range os.Args[1:] {
		build.Default.GOOS = system // where the importer looks, too
		if err := check("."); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", system, err)
			os.Exit(1)
		}
	}
}

func check(folder string) error {
	found, err := build.Default.ImportDir(folder, 0)
	if err != nil {
		return err
	}
	files := token.NewFileSet()
	var sources []*ast.File
	for _, name := range found.GoFiles {
		source, err := parser.ParseFile(files, filepath.Join(found.Dir, name), nil, 0)
		if err != nil {
			return err
		}
		sources = append(sources, source)
	}
	checker := types.Config{Importer: importer.ForCompiler(files, "source", nil), Sizes: types.SizesFor("gc", "amd64")}
	_, err = checker.Check(found.ImportPath, files, sources, nil)
	return err
}
