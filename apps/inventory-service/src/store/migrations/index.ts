import { StockAndReservations1790000001000 } from './1790000001000-stock-and-reservations';
import { StockMovesOften1790000001001 } from './1790000001001-stock-moves-often';

/** Of the domain's tables, oldest first. */
export const migrations = [StockAndReservations1790000001000, StockMovesOften1790000001001];
