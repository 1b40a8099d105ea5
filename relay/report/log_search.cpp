#include <deque>
#include <fstream>

#include "relay/report/delivery_log.hpp"

namespace signet::report {
namespace {

constexpr std::streamoff kMostRead = 256LL << 20;

class Search {
 public:
  Search(QueueId id, std::size_t limit) : limit_(limit) {
    const std::string quoted = '"' + id.to_string() + '"';
    named_ = "\"id\":" + quoted;
    about_ = "\"about\":" + quoted;
  }

  void read(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error)) return;
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(file, error));
    std::ifstream log(file, std::ios::binary);
    if (error || !log) return;
    std::string line;
    if (size > kMostRead) {
      log.seekg(size - kMostRead);
      std::getline(log, line);  // Cut at its beginning.
    }
    while (std::getline(log, line)) {
      if (line.find(named_) == std::string::npos && line.find(about_) == std::string::npos)
        continue;
      if (found_.size() == limit_) found_.pop_front();
      found_.push_back(std::move(line));
    }
  }

  [[nodiscard]] std::vector<std::string> found() && {
    return {std::make_move_iterator(found_.begin()), std::make_move_iterator(found_.end())};
  }

 private:
  std::size_t limit_;
  std::string named_;
  std::string about_;
  std::deque<std::string> found_;
};

}  // namespace

std::vector<std::string> facts_about(const std::filesystem::path& file, QueueId id,
                                     std::size_t limit) {
  Search search(id, limit);
  search.read(file.string() + ".1");
  search.read(file);
  return std::move(search).found();
}

}  // namespace signet::report
