// Test programs are made of their folder's sources: this brings the fixtures in.
#include "tests/support/scripted_server.cpp"
#include "tests/support/test_certificate.cpp"
