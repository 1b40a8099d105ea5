#include "tests/unit/spool/faulty_file_system.hpp"

namespace signet::spool {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class FaultyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile> file, FaultyFileSystem& system)
      : FSWritableFileOwnerWrapper(std::move(file)), system_(system) {}

  IOStatus Append(const Slice& octets, const IOOptions& options, IODebugContext* debug) override {
    if (!system_.fails_now()) return FSWritableFileOwnerWrapper::Append(octets, options, debug);
    const Slice half(octets.data(), octets.size() / 2);
    FSWritableFileOwnerWrapper::Append(half, options, debug).PermitUncheckedError();
    return FaultyFileSystem::failure();
  }
  IOStatus Append(const Slice& octets, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(octets, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    if (system_.fails_now()) return FaultyFileSystem::failure();
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    if (system_.fails_now()) return FaultyFileSystem::failure();
    return FSWritableFileOwnerWrapper::Fsync(options, debug);
  }
  IOStatus Close(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus closed = FSWritableFileOwnerWrapper::Close(options, debug);
    return system_.fails_now() ? FaultyFileSystem::failure() : closed;
  }

 private:
  FaultyFileSystem& system_;
};

class FaultyDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  FaultyDirectory(std::unique_ptr<rocksdb::FSDirectory> directory, FaultyFileSystem& system)
      : FSDirectoryWrapper(std::move(directory)), system_(system) {}
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    if (system_.fails_now()) return FaultyFileSystem::failure();
    return FSDirectoryWrapper::Fsync(options, debug);
  }

 private:
  FaultyFileSystem& system_;
};

}  // namespace

FaultyFileSystem::FaultyFileSystem(int nth, Fails fails)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), nth_(nth), fails_(fails) {}

IOStatus FaultyFileSystem::NewWritableFile(const std::string& name,
                                           const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                                           IODebugContext* debug) {
  if (fails_now()) return failure();
  std::unique_ptr<rocksdb::FSWritableFile> file;
  const IOStatus made = target()->NewWritableFile(name, options, &file, debug);
  if (made.ok()) *result = std::make_unique<FaultyFile>(std::move(file), *this);
  return made;
}

IOStatus FaultyFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                        std::unique_ptr<rocksdb::FSDirectory>* result,
                                        IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  const IOStatus opened = target()->NewDirectory(name, options, &directory, debug);
  if (opened.ok()) *result = std::make_unique<FaultyDirectory>(std::move(directory), *this);
  return opened;
}

IOStatus FaultyFileSystem::RenameFile(const std::string& from, const std::string& to,
                                      const IOOptions& options, IODebugContext* debug) {
  if (fails_now()) return failure();
  return target()->RenameFile(from, to, options, debug);
}

bool FaultyFileSystem::fails_now() {
  const int count = ++count_;
  if (nth_ == 0) return false;
  return fails_ == Fails::once ? count == nth_ : count >= nth_;
}

IOStatus FaultyFileSystem::failure() { return IOStatus::IOError("injected"); }

}  // namespace signet::spool
