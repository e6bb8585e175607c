# A program that has nothing but the URL of the API's document: its client is made from that by OpenAPI::Client, which also
# checks each request, before it is sent, and each answer by the document. Does what it is asked on standard input, a call a
# line, and prints each answer as a line of JSON.
use strict;
use warnings;
use Mojo::JSON qw(decode_json encode_json);
use Mojo::URL;
use OpenAPI::Client;

my ($url, $key) = @ARGV;
my $client = OpenAPI::Client->new($url);
# The document's server is relative to where it was read.
$client->base_url(Mojo::URL->new($url)->path('/'));
$client->ua->on(start => sub { $_[1]->req->headers->authorization("Bearer $key") });
$| = 1;

while (my $line = <STDIN>) {
  my ($call, $parameters, $body) = @{decode_json($line)};
  my $tx = $client->call($call, {%$parameters}, defined $body ? (json => $body) : ());
  my $answer = $tx->res;
  print encode_json({status => $answer->code, body => $answer->json, error => $tx->error}), "\n";
}
