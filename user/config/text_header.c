// SPDX-License-Identifier: BSD-2-Clause
/* Names that result_header may not have: a header of ours is added to calls and removed from what came from outside,
 * so it must not be one that calls need. */
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "config/text.h"

/* RFC 3261 s25.1: token */
#define TOKEN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~"

/* IANA: Session Initiation Protocol (SIP) Parameters, Header Fields; Remote-Party-ID, which is in use without being
 * there; and the marks of other verifiers, which have a form of their own. */
static const char *const known[] = {
	"Accept", "Accept-Contact", "Accept-Encoding", "Accept-Language", "Accept-Resource-Priority",
	"Additional-Identity", "Alert-Info", "Allow", "Allow-Events", "Answer-Mode", "Attestation-Info",
	"Authentication-Info", "Authorization", "Call-ID", "Call-Info", "Cellular-Network-Info", "Contact",
	"Content-Disposition", "Content-Encoding", "Content-ID", "Content-Language", "Content-Length",
	"Content-Type", "CSeq", "Date", "DC-Info", "Diversion", "Encryption", "Error-Info", "Event", "Expires",
	"Feature-Caps", "Flow-Timer", "From", "Geolocation", "Geolocation-Error", "Geolocation-Routing", "Hide",
	"History-Info", "Identity", "Identity-Info", "In-Reply-To", "Info-Package", "Join", "Max-Breadth",
	"Max-Forwards", "MIME-Version", "Min-Expires", "Min-SE", "Organization", "Origination-Id",
	"P-Access-Network-Info", "P-Answer-State", "P-Asserted-Identity", "P-Asserted-Service", "P-Associated-URI",
	"P-Attestation-Indicator", "P-Called-Party-ID", "P-Charge-Info", "P-Charging-Function-Addresses",
	"P-Charging-Vector", "P-DCS-Billing-Info", "P-DCS-LAES", "P-DCS-OSPS", "P-DCS-Redirect",
	"P-DCS-Trace-Party-ID", "P-Early-Media", "P-Media-Authorization", "P-Origination-ID",
	"P-Preferred-Identity", "P-Preferred-Service", "P-Private-Network-Indication", "P-Profile-Key",
	"P-Refused-URI-List", "P-Served-User", "P-User-Database", "P-Visited-Network-ID", "Path",
	"Permission-Missing", "Policy-Contact", "Policy-ID", "Priority", "Priority-Share", "Priority-Verstat",
	"Priv-Answer-Mode", "Privacy", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "RAck",
	"Reason", "Reason-Phrase", "Record-Route", "Recv-Info", "Refer-Events-At", "Refer-Sub", "Refer-To",
	"Referred-By", "Reject-Contact", "Relayed-Charge", "Remote-Party-ID", "Replaces", "Reply-To",
	"Request-Disposition", "Require", "Resource-Priority", "Resource-Share", "Response-Key", "Response-Source",
	"Restoration-Info", "Retry-After", "Route", "RSeq", "Security-Client", "Security-Server", "Security-Verify",
	"Server", "Service-Interact-Info", "Service-Route", "Session-Expires", "Session-ID", "SIP-ETag",
	"SIP-If-Match", "Subject", "Subscription-State", "Supported", "Suppress-If-Match", "Target-Dialog",
	"Timestamp", "To", "Trigger-Consent", "Unsupported", "User-Agent", "User-to-User", "Via", "Warning",
	"WWW-Authenticate",
};

const char *text_header(const char *s)
{
	if (strspn(s, TOKEN) != strlen(s))
		return "is no name of a header field";
	if (strlen(s) == 1)
		return "is the compact form of a header field";
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcasecmp(s, known[i]) == 0)
			return "is a header field of SIP";
	}
	return NULL;
}
