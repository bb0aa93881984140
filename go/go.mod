module github.com/OriginalDaemon/datacat/go

go 1.21
