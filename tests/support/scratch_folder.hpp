// A folder for one test, of no name that another test, or another build beside it, could have.
#pragma once

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace signet::test {

/// Removed at the end with everything in it.
class ScratchFolder {
 public:
  explicit ScratchFolder(
      const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::string pattern = (parent / "signet-XXXXXX").string();
    require(::mkdtemp(pattern.data()) != nullptr, pattern);
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::filesystem::path& relative) const {
    return path_ / relative;
  }
  /// Writes a file, with the folders above it, and returns its path. `relative` may be absolute.
  std::filesystem::path write(const std::filesystem::path& relative, std::string_view text,
                              mode_t mode = 0600) const {
    const auto file = path_ / relative;
    std::filesystem::create_directories(file.parent_path());
    require((std::ofstream(file, std::ios::binary) << text).flush().good(), file);
    require(::chmod(file.c_str(), mode) == 0, file);
    return file;
  }

 private:
  static void require(bool is_done, const std::filesystem::path& what) {
    if (is_done) return;
    std::perror(what.c_str());
    std::abort();
  }

  std::filesystem::path path_;
};

}  // namespace signet::test
