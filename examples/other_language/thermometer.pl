#!/usr/bin/perl
# A thermometer in Perl, with nothing but what Perl brings along: sessions by HTTP to the daemon on 127.0.0.1.
#
#     perl thermometer.pl             a few readings, and a clean end
#     perl thermometer.pl --melt      dies of a reading that cannot be right; that is why the session has crashed
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;

# The daemon runs for as long as this program does. (By open(..., '-|') Perl would wait for it at the end, and it
# for Perl.)
pipe(my $said, my $says) or die "pipe: $!";
if (!(fork // die "fork: $!")) {
    open(STDOUT, '>&', $says) and open(STDERR, '>', '/dev/null') and exec('datacat-daemon', '--port', '0');
    exit 127;
}
close($says);
my ($url) = (<$said> // '') =~ /(http:\S+)/ or die 'datacat-daemon does not listen';
my $http = HTTP::Tiny->new(timeout => 5);

# What is logged must not end the program: where the daemon does not answer, the answer is empty.
sub post {
    my ($path, %body) = @_;
    my $answer = $http->post("$url/$path",
        { headers => { 'Content-Type' => 'application/json' }, content => encode_json(\%body) });
    return $answer->{success} ? decode_json($answer->{content}) : {};
}

my $session = post('register', parent_pid => $$ + 0, product => 'Thermometer', version => '5')->{session_id};
printf("Session %s\nSee it: datacat show %.8s\n", $session, $session) if $session;

sub logged { my ($path, %body) = @_; post($path, session_id => $session, %body) }

# An exception that nothing catches: told, with its place, before Perl ends by it as it would anyhow.
$SIG{__DIE__} = sub {
    my ($said) = @_;
    return if $^S;    # within an eval, which catches it
    my ($package, $file, $line) = caller;
    my ($message) = $said =~ /^(.*?)(?: at \S+ line \d+\.)?$/s;
    logged('event', name => 'exception', category => 'exception', exception_type => 'die', exception_msg => $message,
        stacktrace => ["$message at $file line $line."], source_file => $file, source_line => $line + 0,
        source_function => (caller(1))[3] // 'main', uncaught => JSON::PP::true);
};

sub check {
    my ($celsius) = @_;
    die "no thermometer shows $celsius degrees\n" if $celsius > 100;
}

logged('state', state => { place => 'greenhouse', sensor => { kind => 'PT100', line => 2 } });
logged('heartbeat', timeout => 30);
for my $celsius (21.5, 22.25, 24, $ARGV[0] && $ARGV[0] eq '--melt' ? 1800 : 23) {
    logged('heartbeat');
    logged('metric', name => 'temperature', type => 'gauge', value => $celsius, unit => '°C', tags => ['line:2']);
    check($celsius);
    logged('event', name => 'measured', level => 'debug', data => { celsius => $celsius });
}
logged('end');
