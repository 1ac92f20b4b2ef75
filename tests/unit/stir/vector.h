/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vector - one call signed with the public test key of RFC 6979 A.2.5, all its intermediate forms.
 * The signature is the deterministic one of RFC 6979.
 */
#ifndef SIPSEAL_TEST_VECTOR_H
#define SIPSEAL_TEST_VECTOR_H

#define VECTOR_PRIVATE_PEM                                                     \
	"-----BEGIN EC PRIVATE KEY-----\n"                                     \
	"MDECAQEEIMmvqdhFunUWa1whV2ex1pNOUMPbNuibEnuKYisSD2choAoGCCqGSM49\n" \
	"AwEH\n"                                                               \
	"-----END EC PRIVATE KEY-----\n"
#define VECTOR_PUBLIC_PEM                                                      \
	"-----BEGIN PUBLIC KEY-----\n"                                         \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n" \
	"Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"     \
	"-----END PUBLIC KEY-----\n"
#define VECTOR_POINT                                                         \
	"0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" \
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define VECTOR_X5U "https://cr.example.com/shaken/1234.pem"
#define VECTOR_IAT 1767225600
#define VECTOR_HEADER                                                \
	"{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\"," \
	"\"x5u\":\"https://cr.example.com/shaken/1234.pem\"}"
#define VECTOR_PAYLOAD                                                   \
	"{\"attest\":\"A\",\"dest\":{\"tn\":[\"12155550113\"]},"          \
	"\"iat\":1767225600,\"orig\":{\"tn\":\"12155550112\"},"           \
	"\"origid\":\"123e4567-e89b-42d3-a456-426655440000\"}"
#define VECTOR_HEADER_B64                                                \
	"eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0Iiwi" \
	"eDV1IjoiaHR0cHM6Ly9jci5leGFtcGxlLmNvbS9zaGFrZW4vMTIzNC5wZW0ifQ"
#define VECTOR_PAYLOAD_B64                                               \
	"eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0biI6WyIxMjE1NTU1MDExMyJdfSwiaWF0" \
	"IjoxNzY3MjI1NjAwLCJvcmlnIjp7InRuIjoiMTIxNTU1NTAxMTIifSwib3JpZ2lk" \
	"IjoiMTIzZTQ1NjctZTg5Yi00MmQzLWE0NTYtNDI2NjU1NDQwMDAwIn0"
#define VECTOR_SIG_B64                                                   \
	"m9aC3wVP9WQqugQmQ8Z4HFz6FiK_fieKewSt_YlVpZYYMoDBz_a_56duupGpa4XP" \
	"WFckhSbKiQ3UDCJwzwdspA"
#define VECTOR_TOKEN  VECTOR_HEADER_B64 "." VECTOR_PAYLOAD_B64 "." VECTOR_SIG_B64
#define VECTOR_DIGEST "2b19c795289a6d32f93c3e98de5d0bfa0a074c35e30402cc272e4199adc8df48"
#define VECTOR_SIG                                                         \
	"9bd682df054ff5642aba042643c6781c5cfa1622bf7e278a7b04adfd8955a596" \
	"183280c1cff6bfe7a76eba91a96b85cf5857248526ca890dd40c2270cf076ca4"
#define VECTOR_CLAIMS                                              \
	((struct passport_claims){                                 \
		.attest = 'A',                                     \
		.orig_tn = SLICE("12155550112"),                   \
		.dest_tn = SLICE("12155550113"),                   \
		.iat = VECTOR_IAT,                                 \
		.origid = SLICE("123e4567-e89b-42d3-a456-426655440000"), \
	})

#endif
