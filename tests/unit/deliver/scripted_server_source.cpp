// Test programs are made of their folder's sources: this brings the fixture in.
#include "tests/support/scripted_server.cpp"
