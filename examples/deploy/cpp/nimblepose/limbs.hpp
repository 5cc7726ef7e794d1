// Peaks and PAFs to limbs: every pair of peaks that a limb could join, scored; in crowds a glance at each pair first.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "peaks.hpp"

namespace nimblepose {

struct Connection {
  int limb, start, end;  // start and end: peaks
  float score;
};

namespace detail {

constexpr int crowd = 500, great_crowd = 20000;  // pairs from which on it pays to glance at each first
constexpr int block_pairs = 16384, widest_picture = 32766;

struct Line {
  int limb, start, end;
  float dx, dy, length;
};

/// PAFs, and the places of peaks in them.
class PafReader {
 public:
  PafReader(const Fields& fields, const Peaks& peaks, float offset) : fields_(fields), x_(peaks.x), y_(peaks.y) {
    for (auto& x : x_) x = std::clamp(x, 0.f, fields.width - 1.f) + offset;
    for (auto& y : y_) y = std::clamp(y, 0.f, fields.height - 1.f) + offset;
  }

  Line line(int limb, int start, int end) const {
    const float dx = x_[end] - x_[start], dy = y_[end] - y_[start];
    return {limb, start, end, dx, dy, std::max(std::sqrt(dx * dx + dy * dy), 1e-6f)};
  }

  /// The PAF along a line at a share of its length, from 0 to 1.
  float along(const Line& line, float share) const {
    const float x = x_[line.start] + line.dx * share;
    const float y = std::min(y_[line.start] + line.dy * share, fields_.height - 1.f);
    const double value = read(2 * line.limb, x, y) * double(line.dx / line.length) +
                         read(2 * line.limb + 1, x, y) * double(line.dy / line.length);
    return static_cast<float>(std::clamp(value, 0.0, 1.0));
  }

  /// The PAF in the middle of a pair.
  float glance(int limb, int start, int end) const {
    const float x = x_[start] / 2 + x_[end] / 2, y = y_[start] / 2 + y_[end] / 2;
    const float dx = x_[end] / 2 - x_[start] / 2, dy = y_[end] / 2 - y_[start] / 2;
    const double length = std::max(std::sqrt(double(dx) * dx + double(dy) * dy), 1e-6);
    return static_cast<float>((read(2 * limb, x, y) * dx + read(2 * limb + 1, x, y) * dy) / length);
  }

 private:
  /// A plane at a place, interpolated linearly; beyond its border it goes on as it is there.
  double read(int channel, double x, double y) const {
    const int column = int(std::floor(x)), row = int(std::floor(y));
    const auto at = [&](int r, int c) -> double {
      r = std::clamp(r, 0, fields_.height - 1);
      c = std::clamp(c, 0, fields_.width - 1);
      return fields_.pafs[(size_t(channel) * fields_.height + r) * fields_.width + c];
    };
    const double right = x - column, low = y - row;
    const double above = at(row, column) + (at(row, column + 1) - at(row, column)) * right;
    const double below = at(row + 1, column) + (at(row + 1, column + 1) - at(row + 1, column)) * right;
    return above + (below - above) * low;
  }

  const Fields& fields_;
  std::vector<float> x_, y_;
};

/// Of a great crowd: pairs in whose middle the PAF is about as strong as in the best pair of either peak.
inline void list_glanced(const PafReader& reader, int limb, const std::vector<int>& starts,
                         const std::vector<int>& ends, std::vector<Line>& lines) {
  std::vector<float> seen(starts.size() * ends.size()), best(starts.size(), -1e9f), best_end(ends.size(), -1e9f);
  for (size_t i = 0; i < starts.size(); i++)
    for (size_t j = 0; j < ends.size(); j++) {
      const float value = seen[i * ends.size() + j] = reader.glance(limb, starts[i], ends[j]);
      best[i] = std::max(best[i], value);
      best_end[j] = std::max(best_end[j], value);
    }
  for (size_t i = 0; i < starts.size(); i++)
    for (size_t j = 0; j < ends.size(); j++)
      if (seen[i * ends.size() + j] > std::max({0.4f * best[i], 0.05f, 0.4f * best_end[j]}))
        lines.push_back(reader.line(limb, starts[i], ends[j]));
}

/// Of a crowd: pairs that at three places see about as much as the best pair of either peak.
inline std::vector<Line> choose_near(const PafReader& reader, const std::vector<Line>& lines) {
  struct Near {
    Line line;
    float seen;
  };
  std::vector<Near> near;
  for (const auto& line : lines) {
    const float middle = reader.along(line, 0.5f);
    if (middle > 0.05f) near.push_back({line, reader.along(line, 0.25f) + reader.along(line, 0.75f) + middle});
  }
  const auto keep_best = [&](auto group) {
    std::map<std::pair<int, int>, float> best;
    for (const auto& one : near) {
      auto& most = best[{one.line.limb, group(one.line)}];
      most = std::max(most, one.seen);
    }
    near.erase(std::remove_if(near.begin(), near.end(),
                              [&](const Near& one) {
                                return !(one.seen > 0.6f * best[{one.line.limb, group(one.line)}]);
                              }),
               near.end());
  };
  keep_best([](const Line& line) { return line.start; });
  keep_best([](const Line& line) { return line.end; });
  std::vector<Line> kept;
  for (const auto& one : near) kept.push_back(one.line);
  return kept;
}

/// The limbs in groups of about as many pairs as are looked at together.
inline std::vector<std::vector<int>> split_limbs(const std::vector<int>& pairs, int most_pairs, int most_limbs) {
  std::map<int, std::vector<int>> groups;
  const int count = int(pairs.size()), all = std::accumulate(pairs.begin(), pairs.end(), 0);
  const bool one = count <= most_limbs && all <= most_pairs;
  for (int limb = 0, total = 0; limb < count; limb++) {
    total += pairs[limb];
    groups[one ? 0 : std::max(total - 1, 0) / most_pairs * count + limb / most_limbs].push_back(limb);
  }
  std::vector<std::vector<int>> blocks;
  for (auto& [key, limbs] : groups) blocks.push_back(std::move(limbs));
  return blocks;
}

}  // namespace detail

inline std::vector<Connection> score_limbs(const Fields& fields, const Peaks& peaks, const Model& model) {
  const Options& options = model.options;
  std::vector<std::vector<int>> of_kind(model.keypoints.size());
  for (size_t peak = 0; peak < peaks.kind.size(); peak++) of_kind[peaks.kind[peak]].push_back(int(peak));
  std::vector<int> pairs;
  for (const auto& limb : model.limbs) pairs.push_back(int(of_kind[limb[0]].size() * of_kind[limb[1]].size()));
  const bool great =
      options.prune_crowds && std::accumulate(pairs.begin(), pairs.end(), 0) > detail::great_crowd;
  const float longest = options.long_limb * std::max(fields.height, fields.width);
  const detail::PafReader reader(fields, peaks, options.paf_offset);
  std::vector<Connection> found;
  const int most = great ? 2 * detail::block_pairs : detail::block_pairs;
  for (const auto& block : detail::split_limbs(pairs, most, detail::widest_picture / (2 * fields.height))) {
    std::vector<detail::Line> lines;
    for (const int limb : block) {
      const auto &starts = of_kind[model.limbs[limb][0]], &ends = of_kind[model.limbs[limb][1]];
      if (great) {
        detail::list_glanced(reader, limb, starts, ends, lines);
        continue;
      }
      for (const int start : starts)
        for (const int end : ends) lines.push_back(reader.line(limb, start, end));
    }
    if (options.prune_crowds && int(lines.size()) > detail::crowd) lines = detail::choose_near(reader, lines);
    for (const auto& line : lines) {
      float sum = 0;
      int some = 0;
      for (int i = 0; i < options.limb_samples; i++) {
        const float value = reader.along(line, float(double(i) / (options.limb_samples - 1)));
        sum += value;
        some += value > 0.05f;
      }
      const float paf = sum / options.limb_samples + std::min(longest / line.length - 1, 0.f);
      const float score = paf * std::min(peaks.score[line.start], peaks.score[line.end]);
      if (score > options.min_limb_score && double(some) / options.limb_samples >= options.min_limb_share)
        found.push_back({line.limb, line.start, line.end, score});
    }
  }
  return found;
}

}  // namespace nimblepose
