module observatory

go 1.21

require github.com/OriginalDaemon/datacat/go v0.0.0

// As long as the client is not published; a program elsewhere names the folder of its checkout.
replace github.com/OriginalDaemon/datacat/go => ../../go
