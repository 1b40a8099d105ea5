#include "monitoring/exporter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace signet::monitoring {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ExporterTest : public ::testing::Test {
 protected:
  ExporterTest() {
    auto opened =
        Exporter::open(thread_.loop(), *Endpoint::parse("127.0.0.1:0"), metrics_, health_);
    EXPECT_TRUE(opened.has_value());
    exporter_ = std::move(*opened);
  }
  std::string ask(const std::string& request) {
    sockaddr_storage storage{};
    const socklen_t length = exporter_->endpoint().to_sockaddr(storage);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&storage), length), 0);
    const std::string whole = request + " HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_EQ(::send(socket, whole.data(), whole.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(whole.size()));
    std::string heard;
    std::array<char, 4096> piece{};
    for (ssize_t size = 0; (size = ::read(socket, piece.data(), piece.size())) > 0;) {
      heard.append(piece.data(), static_cast<std::size_t>(size));
    }
    ::close(socket);
    return heard;
  }

  Metrics metrics_;
  Health health_;
  net::LoopThread thread_{"exporter-test"};
  std::unique_ptr<Exporter> exporter_;
};

TEST_F(ExporterTest, serves_the_metrics_as_prometheus_text) {
  metrics_.reload(true);
  EXPECT_THAT(ask("GET /metrics"),
              AllOf(StartsWith("HTTP/1.1 200"),
                    HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
                    HasSubstr("# TYPE signet_reloads_total counter\n"),
                    HasSubstr("signet_reloads_total{result=\"succeeded\"} 1\n")));
}

TEST_F(ExporterTest, is_alive_even_if_not_ready) {
  health_.add("spool", [] { return "broken"; });
  EXPECT_THAT(ask("GET /healthz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(ExporterTest, is_ready_when_no_check_fails) {
  EXPECT_THAT(ask("GET /readyz"), AllOf(StartsWith("HTTP/1.1 200"), EndsWith("ready\n")));
  bool is_broken = true;
  health_.add("spool", [&]() -> std::optional<std::string> {
    return is_broken ? std::optional<std::string>("a sync failed") : std::nullopt;
  });
  health_.add("dns", [] { return std::nullopt; });
  EXPECT_THAT(ask("GET /readyz"),
              AllOf(StartsWith("HTTP/1.1 503"), EndsWith("\r\n\r\nspool: a sync failed\n")));
  is_broken = false;
  EXPECT_THAT(ask("GET /readyz"), StartsWith("HTTP/1.1 200"));
}

TEST_F(ExporterTest, serves_nothing_else) {
  EXPECT_THAT(ask("GET /"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask("GET /v1/queue"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(ask("POST /metrics"), StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(ask("DELETE /metrics"), StartsWith("HTTP/1.1 405"));
}

TEST(HealthTest, tells_every_reason_and_the_latest_check_of_a_name) {
  Health health;
  EXPECT_THAT(health.not_ready_because(), IsEmpty());
  health.add("a", [] { return "old"; });
  health.add("b", [] { return "two"; });
  health.add("a", [] { return "new"; });
  EXPECT_THAT(health.not_ready_because(), ElementsAre("a: new", "b: two"));
}

}  // namespace
}  // namespace signet::monitoring
