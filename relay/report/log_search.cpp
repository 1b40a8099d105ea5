#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <utility>

#include "relay/report/delivery_log.hpp"

namespace signet::report {
namespace {

constexpr std::streamoff kMostRead = 256LL << 20;

/// From the newest file to the oldest, until enough was read or found.
class Search {
 public:
  Search(QueueId id, std::size_t limit) : limit_(limit) {
    const std::string quoted = '"' + id.to_string() + '"';
    named_ = "\"id\":" + quoted;
    about_ = "\"about\":" + quoted;
  }

  [[nodiscard]] bool is_over() const { return left_ == 0 || found_.size() >= limit_; }

  /// False: there is no such file.
  bool read(const std::string& file) {
    struct ::stat status{};
    if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
    // What was renamed since it was read comes again under its next name.
    const std::pair identity(status.st_dev, status.st_ino);
    if (std::ranges::find(read_, identity) != read_.end()) return true;
    read_.push_back(identity);
    std::ifstream log(file, std::ios::binary);
    if (log) search(log, status.st_size);
    return true;
  }

  [[nodiscard]] std::vector<std::string> found() && {
    return {std::make_move_iterator(found_.begin()), std::make_move_iterator(found_.end())};
  }

 private:
  void search(std::ifstream& log, std::streamoff size) {
    std::string line;
    if (size > left_) {
      log.seekg(size - left_);
      std::getline(log, line);  // Cut at its beginning.
    }
    left_ -= std::min(left_, size);
    const std::size_t room = limit_ - found_.size();
    std::deque<std::string> newest;
    while (std::getline(log, line)) {
      if (line.find(named_) == std::string::npos && line.find(about_) == std::string::npos)
        continue;
      if (newest.size() == room) newest.pop_front();
      newest.push_back(std::move(line));
    }
    found_.insert(found_.begin(), std::make_move_iterator(newest.begin()),
                  std::make_move_iterator(newest.end()));
  }

  std::size_t limit_;
  std::string named_;
  std::string about_;
  std::streamoff left_ = kMostRead;
  std::vector<std::pair<dev_t, ino_t>> read_;
  std::deque<std::string> found_;
};

}  // namespace

std::vector<std::string> facts_about(const std::filesystem::path& file, QueueId id,
                                     std::size_t limit) {
  Search search(id, limit);
  search.read(file);
  // One number may be missing while they are renamed.
  int missing = 0;
  for (int number = 1; missing < 2 && !search.is_over(); ++number)
    missing = search.read(file.string() + "." + std::to_string(number)) ? 0 : missing + 1;
  return std::move(search).found();
}

}  // namespace signet::report
