// Heatmaps to peaks: where a keypoint could be, to a fraction of a cell.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "model.hpp"

namespace nimblepose {

/// Heatmaps (K + 1 planes, the last is background) and PAFs (two planes per limb), each of height x width cells.
struct Fields {
  int height, width;
  std::vector<float> heatmaps, pafs;
};

/// In cells, sorted by kind of keypoint.
struct Peaks {
  std::vector<float> x, y, score;
  std::vector<int> kind;
};

namespace detail {

struct Cell {
  int x, y;
  float score;
};

/// Local maxima of a plane, of equal neighbours the first; across a corner only where a saddle lies between.
inline std::vector<Cell> find_maxima(const float* plane, int height, int width, const Options& options) {
  const auto at = [&](int y, int x) {
    const bool inside = y >= 0 && x >= 0 && y < height && x < width;
    return inside ? plane[size_t(y) * width + x] : -std::numeric_limits<float>::infinity();
  };
  std::vector<Cell> found;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      const float value = plane[size_t(y) * width + x];
      if (!(value > options.min_peak_score)) continue;
      const float left = at(y, x - 1), right = at(y, x + 1), above = at(y - 1, x), below = at(y + 1, x);
      if (!(value > left && value >= right && value > above && value >= below)) continue;
      const float high = options.max_saddle * value;
      if (at(y - 1, x - 1) >= value && std::max(left, above) > high) continue;
      if (at(y - 1, x + 1) >= value && std::max(right, above) > high) continue;
      if (at(y + 1, x - 1) > value && std::max(left, below) > high) continue;
      if (at(y + 1, x + 1) > value && std::max(right, below) > high) continue;
      found.push_back({x, y, value});
    }
  if (int(found.size()) <= options.max_peaks) return found;
  std::vector<int> order(found.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int i, int j) { return found[i].score > found[j].score; });
  order.resize(options.max_peaks);
  std::sort(order.begin(), order.end());
  std::vector<Cell> kept;
  for (const int i : order) kept.push_back(found[i]);
  return kept;
}

/// The best of the four places a quarter cell off the middle, cubic.
inline float interpolate(const float* plane, int height, int width, const Cell& cell) {
  static constexpr double taps[2][5] = {{-0.0234375, 0.2265625, 0.8671875, -0.0703125, 0},
                                        {0, -0.0703125, 0.8671875, 0.2265625, -0.0234375}};
  double best = -std::numeric_limits<double>::infinity();
  for (const auto& down : taps)
    for (const auto& along : taps) {
      double sum = 0;
      for (int j = 0; j < 5; j++)
        for (int i = 0; i < 5; i++) {
          const int y = std::clamp(cell.y + j - 2, 0, height - 1), x = std::clamp(cell.x + i - 2, 0, width - 1);
          sum += plane[size_t(y) * width + x] * down[j] * along[i];
        }
      best = std::max(best, sum);
    }
  return static_cast<float>(best);
}

/// From a whole cell to the top of the Gaussian it belongs to: that of the quadric through the logarithms around.
inline std::array<double, 2> find_top(const float* plane, int height, int width, const Cell& peak) {
  if (height < 3 || width < 3) return {0, 0};
  const int middle_x = std::clamp(peak.x, 1, width - 2), middle_y = std::clamp(peak.y, 1, height - 2);
  const auto cell = [&](int j, int i) -> double {
    return std::log(std::max(plane[size_t(middle_y + j) * width + middle_x + i], 0.01f));
  };
  const int row = peak.y - middle_y, column = peak.x - middle_x;  // not 0 at the border only
  const double slope_x = (cell(row, 1) - cell(row, -1)) / 2, slope_y = (cell(1, column) - cell(-1, column)) / 2;
  const double bend_x = std::min(cell(row, -1) - 2 * cell(row, 0) + cell(row, 1), -1e-3);
  const double bend_y = std::min(cell(-1, column) - 2 * cell(0, column) + cell(1, column), -1e-3);
  const double both = bend_x * bend_y, most = 0.97 * std::sqrt(both);
  double tilt = 0;
  if (!row && !column) tilt = (cell(-1, -1) - cell(-1, 1) - cell(1, -1) + cell(1, 1)) / 8;
  tilt = std::clamp(tilt, -most, most);
  const double determinant = both - tilt * tilt;
  return {std::clamp((tilt * slope_y - bend_y * slope_x) / determinant - column, -0.5, 0.5),
          std::clamp((tilt * slope_x - bend_x * slope_y) / determinant - row, -0.5, 0.5)};
}

}  // namespace detail

inline Peaks find_peaks(const Fields& fields, const Model& model) {
  Peaks peaks;
  for (size_t kind = 0; kind < model.keypoints.size(); kind++) {
    const float* plane = &fields.heatmaps[kind * fields.height * fields.width];
    for (const auto& cell : detail::find_maxima(plane, fields.height, fields.width, model.options)) {
      const auto [dx, dy] = detail::find_top(plane, fields.height, fields.width, cell);
      peaks.x.push_back(static_cast<float>(cell.x + dx));
      peaks.y.push_back(static_cast<float>(cell.y + dy));
      peaks.score.push_back(detail::interpolate(plane, fields.height, fields.width, cell));
      peaks.kind.push_back(int(kind));
    }
  }
  return peaks;
}

}  // namespace nimblepose
