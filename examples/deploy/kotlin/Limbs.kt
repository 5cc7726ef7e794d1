// Peaks and PAFs to limbs: every pair of peaks that a limb could join, scored; in crowds a glance at each pair first.
package nimblepose

/** Start and end are peaks. */
class Connection(val limb: Int, val start: Int, val end: Int, val score: Float)

private const val CROWD = 500 // pairs from which on it pays to glance at each first
private const val GREAT_CROWD = 20000
private const val BLOCK = 16384
private const val WIDEST = 32766

fun scoreLimbs(fields: Fields, peaks: List<Peak>, model: Model): List<Connection> {
    val options = model.options
    val ofKind = model.keypoints.indices.map { kind -> peaks.indices.filter { peaks[it].kind == kind } }
    val pairs = model.limbs.map { (a, b) -> ofKind[a].size * ofKind[b].size }
    val great = options.pruneCrowds && pairs.sum() > GREAT_CROWD
    val longest = options.longLimb * Math.max(fields.height, fields.width)
    val reader = PafReader(fields, peaks, options.pafOffset)
    val found = mutableListOf<Connection>()
    for (block in splitLimbs(pairs, if (great) 2 * BLOCK else BLOCK, WIDEST / (2 * fields.height))) {
        var lines = block.flatMap { limb ->
            val (a, b) = model.limbs[limb]
            if (great) reader.listGlanced(limb, ofKind[a], ofKind[b])
            else ofKind[a].flatMap { start -> ofKind[b].map { reader.line(limb, start, it) } }
        }
        if (options.pruneCrowds && lines.size > CROWD) lines = chooseNear(reader, lines)
        for (line in lines) {
            var sum = 0f
            var some = 0
            for (i in 0 until options.limbSamples) {
                val value = reader.along(line, (i.toDouble() / (options.limbSamples - 1)).toFloat())
                sum += value
                if (value > 0.05f) some++
            }
            val paf = sum / options.limbSamples + Math.min(longest / line.length - 1, 0f)
            val score = paf * Math.min(peaks[line.start].score, peaks[line.end].score)
            if (score > options.minLimbScore && some.toDouble() / options.limbSamples >= options.minLimbShare) {
                found.add(Connection(line.limb, line.start, line.end, score))
            }
        }
    }
    return found
}

/** The limbs in groups of about as many pairs as are looked at together. */
private fun splitLimbs(pairs: List<Int>, mostPairs: Int, mostLimbs: Int): Collection<List<Int>> {
    if (pairs.size <= mostLimbs && pairs.sum() <= mostPairs) return listOf(pairs.indices.toList())
    var total = 0
    return pairs.indices.groupBy { limb ->
        total += pairs[limb]
        Math.max(total - 1, 0) / mostPairs * pairs.size + limb / mostLimbs
    }.values
}

private class Line(val limb: Int, val start: Int, val end: Int, val dx: Float, val dy: Float) {
    val length = Math.max(Math.sqrt((dx * dx + dy * dy).toDouble()).toFloat(), 1e-6f)
}

private class Near(val line: Line, val seen: Float)

/** Pairs that at three places see about as much as the best pair of either peak. */
private fun chooseNear(reader: PafReader, lines: List<Line>): List<Line> {
    var near = lines.mapNotNull { line ->
        val middle = reader.along(line, 0.5f)
        if (middle > 0.05f) Near(line, reader.along(line, 0.25f) + reader.along(line, 0.75f) + middle) else null
    }
    for (end in listOf<(Line) -> Int>({ it.start }, { it.end })) {
        val best = mutableMapOf<Pair<Int, Int>, Float>()
        for (one in near) best.merge(Pair(one.line.limb, end(one.line)), one.seen) { a, b -> Math.max(a, b) }
        near = near.filter { it.seen > 0.6f * best.getValue(Pair(it.line.limb, end(it.line))) }
    }
    return near.map { it.line }
}

/** PAFs, and the places of peaks in them. */
private class PafReader(private val fields: Fields, peaks: List<Peak>, offset: Float) {
    private val xs = FloatArray(peaks.size) { Math.min(Math.max(peaks[it].x, 0f), fields.width - 1f) + offset }
    private val ys = FloatArray(peaks.size) { Math.min(Math.max(peaks[it].y, 0f), fields.height - 1f) + offset }

    fun line(limb: Int, start: Int, end: Int) = Line(limb, start, end, xs[end] - xs[start], ys[end] - ys[start])

    /** The PAF along a line at a share of its length, from 0 to 1. */
    fun along(line: Line, share: Float): Float {
        val x = (xs[line.start] + line.dx * share).toDouble()
        val y = Math.min(ys[line.start] + line.dy * share, fields.height - 1f).toDouble()
        val value = read(2 * line.limb, x, y) * (line.dx / line.length) +
            read(2 * line.limb + 1, x, y) * (line.dy / line.length)
        return Math.min(Math.max(value, 0.0), 1.0).toFloat()
    }

    /** Of a great crowd: pairs in whose middle the PAF is about as strong as in the best pair of either peak. */
    fun listGlanced(limb: Int, starts: List<Int>, ends: List<Int>): List<Line> {
        val seen = starts.map { start -> FloatArray(ends.size) { glance(limb, start, ends[it]) } }
        val best = FloatArray(starts.size) { i -> seen[i].fold(0f) { a, b -> Math.max(a, b) } }
        val bestEnd = FloatArray(ends.size) { j -> seen.fold(0f) { most, row -> Math.max(most, row[j]) } }
        return starts.indices.flatMap { i ->
            ends.indices.filter { j ->
                seen[i][j] > Math.max(Math.max(0.4f * best[i], 0.05f), 0.4f * bestEnd[j])
            }.map { line(limb, starts[i], ends[it]) }
        }
    }

    private fun glance(limb: Int, start: Int, end: Int): Float {
        val x = (xs[start] / 2 + xs[end] / 2).toDouble()
        val y = (ys[start] / 2 + ys[end] / 2).toDouble()
        val dx = (xs[end] / 2 - xs[start] / 2).toDouble()
        val dy = (ys[end] / 2 - ys[start] / 2).toDouble()
        val length = Math.max(Math.sqrt(dx * dx + dy * dy), 1e-6)
        return ((read(2 * limb, x, y) * dx + read(2 * limb + 1, x, y) * dy) / length).toFloat()
    }

    /** A plane at a place, interpolated linearly; beyond its border it goes on as it is there. */
    private fun read(channel: Int, x: Double, y: Double): Double {
        val column = Math.floor(x).toInt()
        val row = Math.floor(y).toInt()
        val right = x - column
        fun mix(r: Int) = at(channel, r, column) + (at(channel, r, column + 1) - at(channel, r, column)) * right
        val above = mix(row)
        return above + (mix(row + 1) - above) * (y - row)
    }

    private fun at(channel: Int, row: Int, column: Int): Double {
        val y = Math.min(Math.max(row, 0), fields.height - 1)
        val x = Math.min(Math.max(column, 0), fields.width - 1)
        return fields.pafs[(channel * fields.height + y) * fields.width + x].toDouble()
    }
}
