// Pictures to the size of the input: halved as often as it takes, then cubic with a = -0.75, without antialiasing.
// Android's own resizers are others, and move keypoints by up to 8 px.
package nimblepose

/** Three bytes per pixel, row by row; red first. */
class Picture(val height: Int, val width: Int, val pixels: ByteArray)

/** How a picture becomes the input: sizes are height, width. */
class Placement(val imageSize: IntArray, val inputSize: IntArray) {
    companion object {
        /** Scaled to a height, sides in multiples of the stride, at most six times as wide as that height. */
        fun fit(imageSize: IntArray, inputHeight: Int, stride: Int): Placement {
            val factor = Math.min(inputHeight.toDouble() / imageSize[0], inputHeight * 6.0 / imageSize[1])
            val snap = { side: Int -> Math.max(1, Math.rint(side * factor / stride).toInt()) * stride }
            return Placement(imageSize, intArrayOf(snap(imageSize[0]), snap(imageSize[1])))
        }
    }
}

fun resize(picture: Picture, size: IntArray): Picture {
    var made = picture
    while (made.height >= 2 * size[0] && made.width >= 2 * size[1]) {
        made = resizeLinear(made, made.height / 2, made.width / 2)
    }
    if (made.height == size[0] && made.width == size[1]) return made
    return if (made === picture) resizeCubic(made, size[0], size[1]) else resizeLinear(made, size[0], size[1])
}

private fun Picture.at(row: Int, column: Int, channel: Int) = pixels[3 * (row * width + column) + channel].toInt() and 255

private fun clamp(value: Int, low: Int, high: Int) = Math.min(Math.max(value, low), high)

/** Exact linear interpolation in fixed point, 8 bits of fraction along each axis. */
private fun resizeLinear(from: Picture, height: Int, width: Int): Picture {
    fun place(source: Int, to: Int): Array<IntArray> = Array(to) { i ->
        val where = source.toDouble() / to * (i + 0.5) - 0.5
        val low = Math.floor(where).toInt()
        when {
            low < 0 || source < 2 -> intArrayOf(0, 0)
            low >= source - 1 -> intArrayOf(source - 1, 0)
            else -> intArrayOf(low, Math.rint((where - low) * 256).toInt())
        }
    }
    val columns = place(from.width, width)
    val rows = place(from.height, height)
    val made = ByteArray(3 * height * width)
    for (y in 0 until height) for (x in 0 until width) for (c in 0..2) {
        val (row, down) = rows[y]
        val (column, across) = columns[x]
        fun read(r: Int) = from.at(r, column, c) * (256 - across) + if (across > 0) from.at(r, column + 1, c) * across else 0
        val sum = read(row) * (256 - down) + if (down > 0) read(row + 1) * down else 0
        made[3 * (y * width + x) + c] = ((sum + 32768) shr 16).toByte()
    }
    return Picture(height, width, made)
}

private class Taps(val at: IntArray, val weight: FloatArray)

private fun placeCubic(source: Int, to: Int): Array<Taps> {
    val a = -0.75
    fun outer(t: Double) = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    fun inner(t: Double) = ((a + 2) * t - (a + 3)) * t * t + 1
    return Array(to) { i ->
        val where = (i + 0.5) * source / to - 0.5
        val low = Math.floor(where).toInt()
        val x = (where - low).toFloat().toDouble()
        val weights = doubleArrayOf(outer(x + 1), inner(x), inner(1 - x), outer(2 - x))
        Taps(IntArray(4) { clamp(low - 1 + it, 0, source - 1) }, FloatArray(4) { weights[it].toFloat() })
    }
}

private fun resizeCubic(from: Picture, height: Int, width: Int): Picture {
    val columns = placeCubic(from.width, width)
    val rows = placeCubic(from.height, height)
    val line = 3 * width
    val across = FloatArray(from.height * line)
    for (y in 0 until from.height) for (x in 0 until width) for (c in 0..2) {
        var sum = 0.0
        for (k in 0..3) sum += from.at(y, columns[x].at[k], c) * columns[x].weight[k].toDouble()
        across[y * line + 3 * x + c] = sum.toFloat()
    }
    val made = ByteArray(height * line)
    for (y in 0 until height) for (i in 0 until line) {
        var sum = 0.0
        for (k in 0..3) sum += across[rows[y].at[k] * line + i].toDouble() * rows[y].weight[k]
        made[y * line + i] = Math.min(Math.max(Math.rint(sum), 0.0), 255.0).toInt().toByte()
    }
    return Picture(height, width, made)
}
