#include "tests/unit/net/stream_fixture.hpp"

#include <sys/socket.h>

#include <cstdlib>

namespace signet::net {
namespace {

Task<void> one_turn(Loop& loop) { co_await loop.sleep(std::chrono::milliseconds(5)); }

}  // namespace

std::pair<int, int> connected_descriptors() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage storage{};
  socklen_t length = Endpoint{IpAddress::parse("127.0.0.1").value(), 0}.to_sockaddr(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (bind(listener, address, length) != 0 || listen(listener, 1) != 0) std::abort();
  if (getsockname(listener, address, &length) != 0) std::abort();
  if (connect(client, address, length) != 0) std::abort();
  const int server = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  ::close(listener);
  return {client, server};
}

StreamTest::StreamTest() {
  const auto [client, server] = connected_descriptors();
  near_ = std::make_unique<Stream>(loop_, client);
  far_ = std::make_unique<Stream>(loop_, server);
}

Task<std::string> StreamTest::read_all(Stream& stream, std::size_t step, Timeout timeout) {
  std::string buffer(step, '\0');
  std::string all;
  for (;;) {
    const auto count = co_await stream.read(buffer, timeout);
    if (!count) co_return all + "!" + std::string(row(count.error().fault).name);
    if (*count == 0) co_return all;
    all.append(buffer, 0, *count);
  }
}

Task<Result<std::size_t>> StreamTest::read_some(Stream& stream, std::span<char> into,
                                                Timeout timeout) {
  auto count = co_await stream.read(into, timeout);
  co_return count;
}

Task<Result<void>> StreamTest::write_all(Stream& stream, std::string bytes, Timeout timeout) {
  auto written = co_await stream.write(bytes, timeout);
  co_return written;
}

void StreamTest::turn() { test::run_task(loop_, one_turn(loop_)); }

}  // namespace signet::net
