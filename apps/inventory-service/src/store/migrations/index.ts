import { StockAndReservations1790000001000 } from './1790000001000-stock-and-reservations';

/** Of the domain's tables, oldest first. */
export const migrations = [StockAndReservations1790000001000];
