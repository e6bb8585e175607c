# A transceiver SMSC by Perl's Net::SMPP: prints its port, then a line for each submit; every third is throttled.
use strict;
use warnings;
use Net::SMPP;

$| = 1;
# A client that leaves after a refusal is nothing to warn of.
$SIG{__WARN__} = sub { print STDERR @_ unless $_[0] =~ /^premature eof/ };
my $listener = Net::SMPP->new_listen('127.0.0.1', port => 0, smpp_version => 0x34, timeout => undef)
    or die "cannot listen: $!";
print $listener->sockport, "\n";

# Its accept makes a session that lacks the settings of the listener.
my $session = $listener->accept or die "cannot accept: $!";
%{*$session} = (%{*$listener}, %{*$session});
$session->set_version(0x34);

my $count = 0;
while (my $pdu = $session->read_pdu) {
    my $seq = $pdu->seq;
    if ($pdu->cmd == Net::SMPP::CMD_bind_transceiver) {
        my $good = $pdu->{system_id} eq 'esme' && $pdu->{password} eq 'secret';
        $session->bind_transceiver_resp(
            system_id => 'perl', seq => $seq, status => $good ? 0 : 0x0E, sc_interface_version => pack('C', 0x34));
    } elsif ($pdu->cmd == Net::SMPP::CMD_enquire_link) {
        $session->enquire_link_resp(seq => $seq);
    } elsif ($pdu->cmd == Net::SMPP::CMD_unbind) {
        $session->unbind_resp(seq => $seq);
        last;
    } elsif ($pdu->cmd == Net::SMPP::CMD_submit_sm) {
        if (++$count % 3 == 0) {
            $session->submit_sm_resp(message_id => '', seq => $seq, status => 0x58);
            next;
        }
        my $id = 0xABC0 + $count;
        print join(' ', map { $_ eq '' ? '-' : $_ }
            @$pdu{qw(source_addr_ton source_addr_npi source_addr dest_addr_ton dest_addr_npi destination_addr
                     esm_class validity_period registered_delivery data_coding)},
            unpack('H*', $pdu->{short_message}), unpack('H*', $pdu->{user_message_reference} // '')), "\n";
        $session->submit_sm_resp(message_id => sprintf('%08X', $id), seq => $seq);
        next unless $pdu->{registered_delivery};
        # By turns as a text with a decimal id, and as parameters with the id as it was answered.
        my %told = $count % 2
            ? (short_message => "id:$id sub:001 dlvrd:001 submit date:2603011200 done date:2603011201 stat:DELIVRD err:000 text:x")
            : (short_message => '', receipted_message_id => sprintf("%08X\0", $id), message_state => pack('C', 5));
        $session->deliver_sm(
            async => 1, esm_class => 0x04, source_addr => $pdu->{destination_addr},
            destination_addr => $pdu->{source_addr}, %told);
    } elsif ($pdu->cmd == Net::SMPP::CMD_deliver_sm_resp) {
        print 'deliver_sm_resp ', $pdu->status, "\n";
    } else {
        print 'unexpected ', $pdu->cmd, "\n";
    }
}
