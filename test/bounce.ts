/** Bounces as mail servers write them, for tests. */

/** A notification such as Postfix writes it, about one recipient. */
export function bounce({
  action = 'failed',
  status = '5.1.1',
  diagnostic = 'smtp; 550 5.1.1 <li.na@example.com>: Recipient address rejected: User li.na unknown, code 123456',
  type = 'multipart/report; report-type=delivery-status;\n\tboundary="AB/cd=1"',
} = {}): string {
  return `From: MAILER-DAEMON@mx.example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: ${type}

--AB/cd=1
Content-Type: text/plain

It did not work. Action: delivered

--AB/cd=1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
Arrival-Date: Wed, 25 Nov 2026 10:00:00 +0000

Final-Recipient: rfc822; li.na@example.com
Action: ${action}
Status: ${status}
Diagnostic-Code: ${diagnostic}

--AB/cd=1
Content-Type: message/rfc822-headers

Subject: Your code

--AB/cd=1--
`
}
