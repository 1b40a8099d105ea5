// The fixture becomes part of this test program.
#include "tests/support/test_certificate.cpp"
