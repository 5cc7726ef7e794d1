// Heatmaps to peaks: where a keypoint could be, to a fraction of a cell.
package nimblepose

/** Heatmaps (K + 1 planes, the last is background) and PAFs (two planes per limb), each of height x width cells. */
class Fields(val height: Int, val width: Int, val heatmaps: FloatArray, val pafs: FloatArray)

/** In cells. */
class Peak(val x: Float, val y: Float, val score: Float, val kind: Int)

/** Sorted by kind of keypoint. */
fun findPeaks(fields: Fields, model: Model): List<Peak> = model.keypoints.indices.flatMap { kind ->
    val plane = Plane(fields, kind)
    plane.findMaxima(model.options).map { cell ->
        val (dx, dy) = plane.findTop(cell)
        Peak((cell.x + dx).toFloat(), (cell.y + dy).toFloat(), plane.interpolate(cell), kind)
    }
}

private class Cell(val x: Int, val y: Int, val score: Float)

private val QUARTER = doubleArrayOf(-0.0234375, 0.2265625, 0.8671875, -0.0703125, 0.0) // cubic, a quarter cell off
private val TAPS = arrayOf(QUARTER, QUARTER.reversedArray())

private fun clamp(value: Int, low: Int, high: Int) = Math.min(Math.max(value, low), high)

private fun clamp(value: Double, low: Double, high: Double) = Math.min(Math.max(value, low), high)

private class Plane(private val fields: Fields, kind: Int) {
    private val height = fields.height
    private val width = fields.width
    private val start = kind * height * width

    private fun read(y: Int, x: Int) = fields.heatmaps[start + y * width + x]

    private fun at(y: Int, x: Int) =
        if (y < 0 || x < 0 || y >= height || x >= width) Float.NEGATIVE_INFINITY else read(y, x)

    /** Local maxima, of equal neighbours the first; across a corner only where a saddle lies between. */
    fun findMaxima(options: Options): List<Cell> {
        val found = mutableListOf<Cell>()
        for (y in 0 until height) for (x in 0 until width) {
            val value = read(y, x)
            if (!(value > options.minPeakScore)) continue
            val left = at(y, x - 1)
            val right = at(y, x + 1)
            val above = at(y - 1, x)
            val below = at(y + 1, x)
            if (!(value > left && value >= right && value > above && value >= below)) continue
            val high = options.maxSaddle * value
            if (at(y - 1, x - 1) >= value && Math.max(left, above) > high) continue
            if (at(y - 1, x + 1) >= value && Math.max(right, above) > high) continue
            if (at(y + 1, x - 1) > value && Math.max(left, below) > high) continue
            if (at(y + 1, x + 1) > value && Math.max(right, below) > high) continue
            found.add(Cell(x, y, value))
        }
        if (found.size <= options.maxPeaks) return found
        val kept = found.indices.sortedByDescending { found[it].score }.take(options.maxPeaks)
        return kept.sorted().map { found[it] }
    }

    /** The best of the four places a quarter cell off the middle. */
    fun interpolate(cell: Cell): Float {
        var best = Double.NEGATIVE_INFINITY
        for (down in TAPS) for (along in TAPS) {
            var sum = 0.0
            for (j in 0..4) for (i in 0..4) {
                val value = read(clamp(cell.y + j - 2, 0, height - 1), clamp(cell.x + i - 2, 0, width - 1))
                sum += value * down[j] * along[i]
            }
            best = Math.max(best, sum)
        }
        return best.toFloat()
    }

    /** From a whole cell to the top of the Gaussian it belongs to: that of the quadric through the logarithms around. */
    fun findTop(peak: Cell): Pair<Double, Double> {
        if (height < 3 || width < 3) return Pair(0.0, 0.0)
        val middleX = clamp(peak.x, 1, width - 2)
        val middleY = clamp(peak.y, 1, height - 2)
        fun cell(j: Int, i: Int) =
            Math.log(Math.max(read(middleY + j, middleX + i), 0.01f).toDouble()).toFloat().toDouble()
        val row = peak.y - middleY // not 0 at the border only
        val column = peak.x - middleX
        val slopeX = (cell(row, 1) - cell(row, -1)) / 2
        val slopeY = (cell(1, column) - cell(-1, column)) / 2
        val bendX = Math.min(cell(row, -1) - 2 * cell(row, 0) + cell(row, 1), -1e-3)
        val bendY = Math.min(cell(-1, column) - 2 * cell(0, column) + cell(1, column), -1e-3)
        val both = bendX * bendY
        val most = 0.97 * Math.sqrt(both)
        val corners = if (row == 0 && column == 0) cell(-1, -1) - cell(-1, 1) - cell(1, -1) + cell(1, 1) else 0.0
        val tilt = clamp(corners / 8, -most, most)
        val determinant = both - tilt * tilt
        return Pair(
            clamp((tilt * slopeY - bendY * slopeX) / determinant - column, -0.5, 0.5),
            clamp((tilt * slopeX - bendX * slopeY) / determinant - row, -0.5, 0.5)
        )
    }
}
