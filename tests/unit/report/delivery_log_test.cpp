#include "relay/report/delivery_log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/support/scratch_folder.hpp"

namespace signet::report {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

const WallTime kNow{std::chrono::milliseconds{1795454607123}};

std::string read(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file).rdbuf();
  return std::move(out).str();
}

/// What the diagnostic log says while it lives.
class Diagnosis {
 public:
  Diagnosis() {
    spdlog::set_default_logger(std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(said_)));
  }
  Diagnosis(const Diagnosis&) = delete;
  Diagnosis& operator=(const Diagnosis&) = delete;
  ~Diagnosis() { spdlog::set_default_logger(before_); }
  /// Only when no writer's thread is left.
  [[nodiscard]] std::string said() const { return said_.str(); }
  [[nodiscard]] int times(const std::string& words) const {
    const std::string all = said();
    int count = 0;
    for (auto at = all.find(words); at != std::string::npos; at = all.find(words, at + 1)) ++count;
    return count;
  }

 private:
  std::ostringstream said_;
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

/// A FIFO, and the end of it that reads.
class Fifo {
 public:
  explicit Fifo(const std::filesystem::path& file) {
    EXPECT_EQ(::mkfifo(file.c_str(), 0600), 0);
    reader_ = ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    EXPECT_GE(reader_, 0);
  }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;
  ~Fifo() { ::close(reader_); }
  /// What is in it now; empty where there is nothing.
  [[nodiscard]] std::string take() const {
    std::string taken(1U << 20U, '\0');
    const ssize_t count = ::read(reader_, taken.data(), taken.size());
    taken.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return taken;
  }

 private:
  int reader_ = -1;
};

class DeliveryLogTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path file(const char* name) const { return directory_ / name; }
  [[nodiscard]] std::unique_ptr<DeliveryLog> open(const std::filesystem::path& path) const {
    auto log = DeliveryLog::open(path);
    EXPECT_TRUE(log.has_value());
    return std::move(*log);
  }

 private:
  test::ScratchFolder directory_;
};

TEST(FactTest, is_one_json_line_in_the_order_of_its_fields) {
  EXPECT_EQ(Fact("delivered", kNow)
                .with("reply", "250 Ok")
                .with("attempts", 3)
                .with("signed_by", std::vector<std::string>{"a", "b"})
                .with("none", std::vector<std::string>{})
                .line(),
            R"({"schema":1,"time":"2026-11-23T17:23:27.123Z","event":"delivered","reply":"250 Ok",)"
            R"("attempts":3,"signed_by":["a","b"],"none":[]})"
            "\n");
}

TEST(FactTest, escapes_what_a_peer_said) {
  struct Case {
    std::string value;
    std::string json;
  };
  const std::vector<Case> cases{
      {"a\"b\\c", R"(a\"b\\c)"},
      {"line\r\n{\"event\":\"forged\"}", R"(line\u000d\u000a{\"event\":\"forged\"})"},
      {std::string("\0\x7F", 2), R"(\u0000\u007f)"},
      {"gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC\xC3\x9F"},
      {"\xF0\x9F\x93\xA7", "\xF0\x9F\x93\xA7"},
      {"\xFF", R"(\ufffd)"},                                // Never part of UTF-8.
      {"cut \xC3", R"(cut \ufffd)"},                        // Ends within a sequence.
      {"\xC0\xAF", R"(\ufffd\ufffd)"},                      // Overlong.
      {"\xE0\x80\xAF", R"(\ufffd\ufffd\ufffd)"},            // Overlong.
      {"\xED\xA0\x80", R"(\ufffd\ufffd\ufffd)"},            // Surrogate.
      {"\xF4\x90\x80\x80", R"(\ufffd\ufffd\ufffd\ufffd)"},  // Beyond U+10FFFF.
  };
  for (const Case& c : cases) {
    EXPECT_THAT(Fact("x", kNow).with("v", c.value).line(), EndsWith("\"v\":\"" + c.json + "\"}\n"));
  }
}

TEST_F(DeliveryLogTest, writes_every_fact_in_order_before_it_ends) {
  {
    const auto log = open(file("log"));
    for (int i = 0; i < 1000; ++i) log->write(Fact("x", kNow).with("i", i));
  }
  std::istringstream lines(read(file("log")));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_THAT(line, HasSubstr("\"i\":" + std::to_string(count) + "}"));
  }
  EXPECT_EQ(count, 1000);
}

TEST_F(DeliveryLogTest, appends_to_what_is_there) {
  open(file("log"))->write(Fact("first", kNow));
  open(file("log"))->write(Fact("second", kNow));
  EXPECT_THAT(read(file("log")), HasSubstr("first"));
  EXPECT_THAT(read(file("log")), HasSubstr("second"));
}

TEST_F(DeliveryLogTest, reopens_after_rotation) {
  {
    const auto log = open(file("log"));
    log->write(Fact("old", kNow));
    while (read(file("log")).empty()) std::this_thread::yield();
    std::filesystem::rename(file("log"), file("log.1"));
    log->reopen();
    while (!std::filesystem::exists(file("log"))) std::this_thread::yield();
    log->write(Fact("new", kNow));
  }
  EXPECT_THAT(read(file("log.1")), HasSubstr("old"));
  EXPECT_THAT(read(file("log")), HasSubstr("new"));
}

TEST_F(DeliveryLogTest, a_full_disk_loses_nothing_and_is_behind) {
  constexpr int kFacts = 66;  // Of 1 MiB: more than 64 MiB.
  std::filesystem::create_symlink("/dev/full", file("log"));
  {
    const auto log = open(file("log"));
    const std::string megabyte(1U << 20U, 'x');
    EXPECT_FALSE(log->is_behind());
    for (int i = 0; i < kFacts; ++i) log->write(Fact("big", kNow).with("v", megabyte));
    EXPECT_TRUE(log->is_behind());
    while (log->errors() == 0) std::this_thread::yield();
    std::filesystem::remove(file("log"));
    log->reopen();
    while (log->is_behind()) std::this_thread::yield();
  }
  const std::string written = read(file("log"));
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), kFacts);
}

/// While it lives no file of this process grows beyond `octets`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t octets) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    set({.rlim_cur = octets, .rlim_max = before_.rlim_max});
  }
  ~FileSizeLimit() {
    set(before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  static void set(const ::rlimit& limit) { ::setrlimit(RLIMIT_FSIZE, &limit); }
  void (*handler_)(int);
  ::rlimit before_{};
};

TEST_F(DeliveryLogTest,
       a_line_that_was_cut_goes_on_where_it_stopped_when_the_same_file_is_reopened) {
  const auto log = open(file("log"));
  {
    const FileSizeLimit limit(30);
    log->write(Fact("cut", kNow));
    while (log->errors() == 0) std::this_thread::yield();
    EXPECT_EQ(read(file("log")).size(), 30U);
    log->reopen();
    const auto errors = log->errors();
    while (log->errors() < errors + 2) std::this_thread::yield();
  }
  while (!read(file("log")).ends_with('\n')) std::this_thread::yield();
  EXPECT_EQ(read(file("log")), Fact("cut", kNow).line());
}

TEST_F(DeliveryLogTest, ends_although_the_disk_is_full) {
  const auto log = open("/dev/full");
  log->write(Fact("lost", kNow));
  while (log->errors() == 0) std::this_thread::yield();
}

TEST_F(DeliveryLogTest, says_once_why_it_cannot_write_and_when_it_can_again) {
  const Diagnosis diagnosis;
  std::filesystem::create_symlink("/dev/full", file("log"));
  {
    const auto log = open(file("log"));
    log->write(Fact("waits", kNow));
    while (log->errors() < 2) std::this_thread::yield();
    std::filesystem::remove(file("log"));
    log->reopen();
  }
  EXPECT_EQ(diagnosis.times("can't be written, its lines wait: No space left on device"), 1);
  EXPECT_EQ(diagnosis.times("it is written again"), 1);
  EXPECT_EQ(diagnosis.times("lost"), 0);
  EXPECT_THAT(read(file("log")), HasSubstr("waits"));
}

TEST_F(DeliveryLogTest, says_how_many_lines_a_full_disk_lost) {
  const Diagnosis diagnosis;
  {
    const auto log = open("/dev/full");
    log->write(Fact("lost", kNow));
    while (log->errors() == 0) std::this_thread::yield();
    log->write(Fact("lost too", kNow));
  }
  EXPECT_THAT(diagnosis.said(), HasSubstr("delivery log /dev/full: 2 lines ("));
  EXPECT_THAT(diagnosis.said(), HasSubstr("are lost: No space left on device"));
}

TEST_F(DeliveryLogTest, ends_although_nobody_reads_and_says_what_is_lost) {
  constexpr int kFacts = 1000;  // More than a pipe holds.
  const Diagnosis diagnosis;
  const Fifo fifo(file("log"));
  {
    const auto log = open(file("log"));
    for (int i = 0; i < kFacts; ++i) log->write(Fact("x", kNow).with("v", std::string(200, 'x')));
  }
  std::string taken = fifo.take();
  EXPECT_THAT(taken, HasSubstr(R"("event":"x")"));
  const auto lost = kFacts - std::ranges::count(taken, '\n');
  EXPECT_THAT(diagnosis.said(), HasSubstr(": " + std::to_string(lost) + " lines ("));
  EXPECT_THAT(diagnosis.said(), HasSubstr("are lost: nobody reads them"));
}

TEST_F(DeliveryLogTest, a_reader_gets_all_although_it_ends) {
  constexpr int kFacts = 2000;
  const Fifo fifo(file("log"));
  auto log = open(file("log"));
  for (int i = 0; i < kFacts; ++i) log->write(Fact("x", kNow).with("v", std::string(200, 'x')));
  std::thread ending([&] { log.reset(); });
  std::int64_t lines = 0;
  while (lines < kFacts) lines += std::ranges::count(fifo.take(), '\n');
  ending.join();
  EXPECT_EQ(lines, kFacts);
}

TEST_F(DeliveryLogTest, is_opened_anew_although_nobody_reads) {
  constexpr int kFacts = 1000;
  const Fifo fifo(file("log"));
  std::string taken;
  {
    const auto log = open(file("log"));
    for (int i = 0; i < kFacts; ++i) log->write(Fact("x", kNow).with("v", std::string(200, 'x')));
    while (taken.empty()) taken = fifo.take();
    std::filesystem::remove(file("log"));
    log->reopen();
    while (!std::filesystem::exists(file("log"))) std::this_thread::yield();
  }
  for (std::string more = fifo.take(); !more.empty(); more = fifo.take()) taken += more;
  const std::string written = read(file("log"));
  EXPECT_EQ(std::ranges::count(taken, '\n') + std::ranges::count(written, '\n'), kFacts);
}

TEST_F(DeliveryLogTest, refuses_a_file_it_cannot_open) {
  const auto log = DeliveryLog::open(file("missing") / "log");
  ASSERT_FALSE(log.has_value());
  EXPECT_EQ(log.error().fault, Fault::configuration);
  EXPECT_THAT(log.error().detail, HasSubstr("missing/log"));
}

TEST_F(DeliveryLogTest, begins_a_new_file_when_one_is_large_and_keeps_so_many) {
  auto log =
      DeliveryLog::open({.file = file("log"), .rotate_bytes = 1, .kept = 2, .privacy = {}}).value();
  const auto write_and_wait = [&](const char* event, const char* where) {
    log->write(Fact(event, kNow));
    while (read(file(where)).find(event) == std::string::npos) std::this_thread::yield();
  };
  for (const char* event : {"first", "second", "third"}) write_and_wait(event, "log.1");
  log.reset();
  EXPECT_EQ(read(file("log")), "");
  EXPECT_THAT(read(file("log.1")), HasSubstr("third"));
  EXPECT_THAT(read(file("log.2")), HasSubstr("second"));
  EXPECT_FALSE(std::filesystem::exists(file("log.3")));
}

TEST_F(DeliveryLogTest, writes_no_address_where_they_are_cut) {
  DeliveryLog::open({.file = file("log"), .privacy = {.addresses = Addresses::domain}})
      .value()
      ->write(Fact("deferred", kNow)
                  .with("recipient", "bob@example.net")
                  .with("reply", "450 4.2.1 <bob@example.net> is busy"));
  const std::string line = read(file("log"));
  EXPECT_THAT(line, HasSubstr(R"("recipient":"@example.net")"));
  EXPECT_THAT(line, HasSubstr(R"("reply":"450 4.2.1 <@example.net> is busy")"));
}

}  // namespace
}  // namespace signet::report
