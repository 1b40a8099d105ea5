#include "relay/net/stream.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <chrono>

#include "relay/net/descriptor.hpp"
#include "tests/unit/net/stream_fixture.hpp"

namespace signet::net {
namespace {

using namespace std::chrono_literals;

Task<void> echo(Stream& stream) {
  std::string buffer(4096, '\0');
  for (;;) {
    const auto count = co_await stream.read(buffer, kLong);
    if (!count || *count == 0) break;
    const auto written = co_await stream.write(std::string_view(buffer).substr(0, *count), kLong);
    if (!written) break;
  }
  stream.shut_down();
}

Task<void> write_then_end(Stream& stream, std::string bytes, std::size_t step) {
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto written = co_await stream.write(std::string_view(bytes).substr(at, step), kLong);
    if (!written) co_return;
  }
  stream.shut_down();
}

Task<void> read_then_close(std::unique_ptr<Stream>& stream, bool& closed) {
  char octet = 0;
  const auto count = co_await stream->read({&octet, 1}, kLong);
  stream.reset();
  closed = count.has_value();
}

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>('a' + i * 7 % 26);
  return bytes;
}

TEST_F(StreamTest, carries_bytes_in_pieces_of_every_size) {
  const auto bytes = pattern(3000);
  for (const std::size_t step : {1U, 2U, 1024U, 5000U}) {
    const auto [client, server] = connected_descriptors();
    Stream writer(loop_, client);
    Stream reader(loop_, server);
    TaskScope scope;
    scope.spawn(write_then_end(writer, bytes, step));
    EXPECT_EQ(run(read_all(reader, step, kLong)), bytes) << step;
  }
}

TEST_F(StreamTest, waits_when_the_peer_does_not_read) {
  const auto bytes = pattern(16U << 20U);
  scope_.spawn(write_then_end(*near_, bytes, bytes.size()));
  EXPECT_EQ(scope_.size(), 1U) << "more than the kernel buffers";
  EXPECT_EQ(run(read_all(*far_, 65536, kLong)), bytes);
}

TEST_F(StreamTest, reads_and_writes_at_the_same_time) {
  const auto bytes = pattern(4U << 20U);
  scope_.spawn(echo(*far_));
  scope_.spawn(write_then_end(*near_, bytes, bytes.size()));
  EXPECT_EQ(run(read_all(*near_, 1000, kLong)), bytes);
}

TEST_F(StreamTest, sees_the_end_that_the_peer_makes_while_it_waits) {
  bool ended = false;
  std::string buffer(10, '\0');
  scope_.spawn(forget(read_some(*near_, buffer, kLong), ended));
  far_.reset();
  turn();
  EXPECT_TRUE(ended);
  EXPECT_EQ(run(read_all(*near_, 10, kLong)), "");
}

TEST_F(StreamTest, a_reset_is_closed) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  const auto [client, server] = connected_descriptors();
  Stream stream(loop_, client);
  setsockopt(server, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(server);
  EXPECT_EQ(run(read_all(stream, 10, kLong)), "!closed");
}

TEST_F(StreamTest, writing_to_a_peer_that_is_gone_is_closed) {
  far_.reset();
  std::string fault;
  for (int i = 0; i < 100 && fault.empty(); ++i) {
    const auto written = run(write_all(*near_, pattern(100'000), kLong));
    if (!written) fault = row(written.error().fault).name;
  }
  EXPECT_EQ(fault, "closed");
}

TEST_F(StreamTest, a_read_ends_at_its_deadline_and_not_before) {
  std::string buffer(10, '\0');
  const auto begin = std::chrono::steady_clock::now();
  const auto count = run(read_some(*near_, buffer, 30ms));
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().fault, Fault::timed_out);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 30ms);
}

TEST_F(StreamTest, a_write_ends_at_its_deadline) {
  const auto written = run(write_all(*near_, pattern(16U << 20U), kShort));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().fault, Fault::timed_out);
}

TEST_F(StreamTest, a_later_deadline_is_kept_when_an_earlier_timer_fires_first) {
  bool ended = false;
  std::string buffer(10, '\0');
  scope_.spawn(forget(read_some(*near_, buffer, 1ms), ended));
  scope_.clear();  // Its timer is still set and fires for nobody.
  const auto begin = std::chrono::steady_clock::now();
  const auto count = run(read_some(*near_, buffer, 40ms));
  ASSERT_FALSE(count);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 40ms);
}

TEST_F(StreamTest, an_earlier_deadline_is_kept_after_a_later_one) {
  bool ended = false;
  std::string buffer(10, '\0');
  scope_.spawn(forget(read_some(*near_, buffer, kLong), ended));
  scope_.clear();
  const auto count = run(read_some(*near_, buffer, kShort));
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().fault, Fault::timed_out);
}

TEST_F(StreamTest, reader_and_writer_have_deadlines_of_their_own) {
  bool read_ended = false;
  bool write_ended = false;
  std::string buffer(10, '\0');
  scope_.spawn(forget(read_some(*near_, buffer, kLong), read_ended));
  scope_.spawn(forget(write_all(*near_, pattern(16U << 20U), kShort), write_ended));
  while (!write_ended) turn();
  EXPECT_FALSE(read_ended);
}

TEST_F(StreamTest, a_destroyed_reader_leaves_the_bytes_to_the_next) {
  bool ended = false;
  std::string buffer(10, '\0');
  scope_.spawn(forget(read_some(*near_, buffer, kLong), ended));
  scope_.clear();
  ASSERT_TRUE(run(write_all(*far_, "hello", kLong)));
  far_.reset();
  EXPECT_EQ(run(read_all(*near_, 10, kLong)), "hello");
  EXPECT_FALSE(ended);
}

TEST_F(StreamTest, a_destroyed_writer_is_not_resumed) {
  bool ended = false;
  scope_.spawn(forget(write_all(*near_, pattern(16U << 20U), kLong), ended));
  scope_.clear();
  near_->shut_down();
  EXPECT_EQ(run(read_all(*far_, 65536, kLong)).substr(0, 26), pattern(26));
  EXPECT_FALSE(ended);
}

TEST_F(StreamTest, a_stream_destroyed_under_its_waiters_never_resumes_them) {
  bool read_ended = false;
  bool write_ended = false;
  std::string buffer(10, '\0');
  scope_.spawn(forget(read_some(*near_, buffer, kShort), read_ended));
  scope_.spawn(forget(write_all(*near_, pattern(16U << 20U), kShort), write_ended));
  near_.reset();
  turn();
  turn();
  turn();
  EXPECT_FALSE(read_ended);
  EXPECT_FALSE(write_ended);
}

TEST_F(StreamTest, a_resumed_reader_may_destroy_the_stream_with_its_waiting_writer) {
  bool closed = false;
  bool write_ended = false;
  scope_.spawn(forget(write_all(*near_, pattern(16U << 20U), kLong), write_ended));
  scope_.spawn(read_then_close(near_, closed));
  ASSERT_TRUE(run(write_all(*far_, "x", kLong)));
  turn();
  EXPECT_TRUE(closed);
  EXPECT_FALSE(write_ended);
}

TEST_F(StreamTest, may_be_moved_while_a_task_waits) {
  bool ended = false;
  std::string buffer(10, '\0');
  scope_.spawn(forget(read_some(*near_, buffer, kLong), ended));
  Stream moved = std::move(*near_);
  near_.reset();
  ASSERT_TRUE(run(write_all(*far_, "x", kLong)));
  turn();
  EXPECT_TRUE(ended);
  EXPECT_EQ(buffer[0], 'x');
}

TEST_F(StreamTest, tells_whether_a_read_would_return_at_once) {
  EXPECT_FALSE(near_->has_pending_input());
  ASSERT_TRUE(run(write_all(*far_, "x", kLong)));
  turn();
  EXPECT_TRUE(near_->has_pending_input());
  std::string buffer(10, '\0');
  EXPECT_EQ(run(read_some(*near_, buffer, kLong)).value(), 1U);
  EXPECT_FALSE(near_->has_pending_input());
  far_.reset();
  turn();
  EXPECT_TRUE(near_->has_pending_input());
}

TEST_F(StreamTest, writes_nothing_without_waiting) {
  EXPECT_TRUE(run(write_all(*near_, "", kShort)));
}

// connect

int listening_descriptor(Endpoint& endpoint, int backlog) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_storage storage{};
  socklen_t length = Endpoint{IpAddress::parse("127.0.0.1").value(), 0}.to_sockaddr(storage);
  EXPECT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&storage), length), 0);
  EXPECT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&storage), &length), 0);
  endpoint = Endpoint::from_sockaddr(storage);
  if (backlog >= 0) EXPECT_EQ(listen(listener, backlog), 0);
  return listener;
}

TEST_F(StreamTest, connects_from_the_address_it_is_told) {
  Endpoint endpoint;
  const Descriptor listener(listening_descriptor(endpoint, 5));
  const auto source = IpAddress::parse("127.0.0.9").value();
  auto stream = run(Stream::connect(loop_, endpoint, source, kLong));
  ASSERT_TRUE(stream) << stream.error().detail;
  EXPECT_EQ(stream->peer(), endpoint);
  EXPECT_EQ(stream->local().address, source);
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  const Descriptor accepted(accept(listener.get(), reinterpret_cast<sockaddr*>(&storage), &length));
  EXPECT_EQ(Endpoint::from_sockaddr(storage), stream->local());
}

TEST_F(StreamTest, a_refused_connection_is_connect_failed) {
  Endpoint endpoint;
  const Descriptor bound(listening_descriptor(endpoint, -1));  // Bound, so nobody else gets it.
  const auto stream = run(Stream::connect(loop_, endpoint, {}, kLong));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().fault, Fault::connect_failed);
  EXPECT_NE(stream.error().detail.find(endpoint.to_string()), std::string::npos);
}

TEST_F(StreamTest, an_address_that_is_not_ours_is_connect_failed) {
  Endpoint endpoint;
  const Descriptor listener(listening_descriptor(endpoint, 5));
  const auto foreign = IpAddress::parse("192.0.2.1").value();
  const auto stream = run(Stream::connect(loop_, endpoint, foreign, kLong));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().fault, Fault::connect_failed);
}

TEST_F(StreamTest, a_connection_nobody_accepts_times_out) {
  Endpoint endpoint;
  const Descriptor listener(listening_descriptor(endpoint, 0));
  std::vector<Result<Stream>> streams;
  // The backlog holds one or two; the next finds the queue full and its SYN unanswered.
  for (int i = 0; i < 4; ++i) {
    streams.push_back(run(Stream::connect(loop_, endpoint, {}, Timeout(50))));
  }
  ASSERT_FALSE(streams.back());
  EXPECT_EQ(streams.back().error().fault, Fault::timed_out);
}

TEST_F(StreamTest, a_connect_may_be_given_up) {
  Endpoint endpoint;
  const Descriptor listener(listening_descriptor(endpoint, 0));
  bool ended = false;
  for (int i = 0; i < 4; ++i) {
    scope_.spawn(forget(Stream::connect(loop_, endpoint, {}, kLong), ended));
  }
  turn();
  EXPECT_GT(scope_.size(), 0U);
  scope_.clear();
  turn();
}

TEST_F(StreamTest, sockets_are_non_blocking_close_on_exec_and_without_delay) {
  Endpoint endpoint;
  const Descriptor listener(listening_descriptor(endpoint, 5));
  const int before = ::dup(0);
  ::close(before);  // The number the next socket gets.
  auto stream = run(Stream::connect(loop_, endpoint, {}, kLong));
  ASSERT_TRUE(stream);
  EXPECT_NE(fcntl(before, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(before, F_GETFD) & FD_CLOEXEC, 0);
  int no_delay = 0;
  socklen_t size = sizeof no_delay;
  getsockopt(before, IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
  EXPECT_NE(no_delay, 0);
}

}  // namespace
}  // namespace signet::net
